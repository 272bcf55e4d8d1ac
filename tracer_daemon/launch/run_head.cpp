#include "launch/run_head.h"

#include <fmt/format.h>

#include <charconv>
#include <utility>
#include <vector>

#include "events/tape_code.h"

namespace wc {
namespace {

using Pairs = std::vector<std::pair<std::string, std::string>>;

template <typename Io>
void fields(Io& io, Pairs& pairs) {
  io.list(pairs, [&](auto& pair) {
    io.text(pair.first);
    io.text(pair.second);
  });
}

class Head {
 public:
  explicit Head(Pairs pairs) : pairs_(std::move(pairs)) {}

  [[nodiscard]] std::string text(std::string_view key) const {
    for (const auto& [name, value] : pairs_)
      if (name == key) return value;
    return {};
  }
  [[nodiscard]] std::vector<std::string> all(std::string_view key) const {
    std::vector<std::string> values;
    for (const auto& [name, value] : pairs_)
      if (name == key) values.push_back(value);
    return values;
  }
  template <typename Number = uint64_t>
  [[nodiscard]] Number number(std::string_view key, Number otherwise = 0) const {
    const std::string value = text(key);
    Number number = otherwise;
    std::from_chars(value.data(), value.data() + value.size(), number);
    return number;
  }
  [[nodiscard]] bool flag(std::string_view key) const { return number(key) != 0; }

 private:
  Pairs pairs_;
};

Status check_recorded(const Head& head, const Options& options) {
  const auto missing = [](std::string_view what, std::string_view option) {
    return Error{
        fmt::format("{} were not recorded: give {} to the run that is recorded", what, option)};
  };
  if (options.stack_trace && !head.flag("has_stacks")) return missing("stacks", "-k");
  if (options.all_calls && !head.flag("all_calls"))
    return missing("calls that made no system call", "-a");
  if (options.show_addresses || (options.show_paths && !head.flag("show_paths")))
    return missing("what descriptors stand for", "-y");
  const auto recorded = head.number<unsigned>("string_size", 32);
  if (options.replay.string_size_given && options.string_size > recorded)
    return Error{
        fmt::format("-s {}: {} bytes of each string were recorded", options.string_size, recorded)};
  return Done{};
}

}  // namespace

std::string write_run_head(const Options& options, const HostOptions& host, bool has_stacks) {
  Pairs pairs;
  const auto add = [&](const char* key, auto value) {
    pairs.emplace_back(key, fmt::to_string(value));
  };
  add("version", host.version);
  for (const std::string& word : host.argv) add("argv", word);
  add("began", host.run.began);
  add("realtime_offset", host.run.realtime_offset);
  add("machine", host.run.machine);
  add("kernel", host.run.kernel);
  add("string_size", options.string_size);
  add("show_paths", int{options.show_paths});
  add("all_calls", int{options.all_calls});
  add("stack_trace", int{options.stack_trace});
  add("has_stacks", int{has_stacks});
  add("time_format", options.time_format);
  add("show_duration", int{options.show_duration});
  add("whole_process", int{host.whole_process});
  add("statuses", options.statuses);
  add("signals", options.signals);
  add("quiet", options.quiet);
  for (const std::string& path : options.paths) add("path", path);
  add("engine", host.engine);
  add("functions", host.functions);
  add("breakpoints", host.breakpoints);
  std::string bytes;
  TapeContext context;
  TapeWriter writer(bytes, context);
  fields(writer, pairs);
  return bytes;
}

Status apply_run_head(std::string_view bytes, Options& options, HostOptions& host) {
  Pairs pairs;
  TapeContext context;
  TapeReader reader(bytes, context);
  fields(reader, pairs);
  if (reader.bad()) return Error{"what it says of its run makes no sense"};
  const Head head(std::move(pairs));
  if (Status fits = check_recorded(head, options); !fits) return fits;
  if (!options.replay.string_size_given)
    options.string_size = std::min(head.number<unsigned>("string_size", 32), kMostRecordedString);
  options.show_paths = head.flag("show_paths");
  options.all_calls = head.flag("all_calls");
  options.stack_trace |= head.flag("stack_trace");
  options.replay.has_stacks = head.flag("has_stacks");
  if (options.time_format == 0) options.time_format = head.number<int>("time_format") & 7;
  options.show_duration |= head.flag("show_duration");
  if (options.statuses == kAllStatuses)
    options.statuses = head.number<unsigned>("statuses", kAllStatuses);
  if (options.paths.empty()) options.paths = head.all("path");
  options.signals &= head.number("signals", ~uint64_t{0});
  options.quiet |= head.number<unsigned>("quiet");
  host.version = head.text("version");
  host.argv = head.all("argv");
  host.run.began = std::max<uint64_t>(head.number("began"), 1);
  host.run.realtime_offset = head.number<int64_t>("realtime_offset");
  host.run.machine = head.text("machine");
  host.run.kernel = head.text("kernel");
  host.whole_process = head.flag("whole_process");
  host.engine = head.text("engine");
  host.functions = head.text("functions");
  host.breakpoints = head.text("breakpoints");
  return Done{};
}

}  // namespace wc
