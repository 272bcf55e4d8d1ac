#include "summary_options.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <cmath>
#include <optional>
#include <span>

namespace wc::backends {

namespace {

template <typename Value>
struct Word {
  std::string_view text;
  Value value;
};

constexpr std::array<Word<SummaryBy>, 5> kBy = {{{"function", SummaryBy::kFunction},
                                                 {"caller", SummaryBy::kCaller},
                                                 {"syscall", SummaryBy::kSyscall},
                                                 {"thread", SummaryBy::kThread},
                                                 {"path", SummaryBy::kPath}}};
constexpr std::array<Word<SummarySort>, 6> kSort = {{{"time", SummarySort::kTime},
                                                     {"calls", SummarySort::kCalls},
                                                     {"syscalls", SummarySort::kSyscalls},
                                                     {"errors", SummarySort::kErrors},
                                                     {"max", SummarySort::kMax},
                                                     {"name", SummarySort::kName}}};
constexpr std::array<Word<SummaryFormat>, 4> kFormat = {
    {{"text", SummaryFormat::kText},
     {"json", SummaryFormat::kJson},
     {"csv", SummaryFormat::kCsv},
     {"table", SummaryFormat::kText}}};  // its name in earlier versions
constexpr std::array<Word<Histograms>, 2> kHistogram = {
    {{"on", Histograms::kShown}, {"off", Histograms::kNone}}};

// False: it is none of the words; `error` says which there are.
template <typename Value, size_t kCount>
bool read_word(const Sink& sink, const char* key, const std::array<Word<Value>, kCount>& words,
               Value& out, std::string& error) {
  const std::string_view text = sink.option(key);
  if (text.empty()) return true;
  std::string known;
  for (size_t i = 0; i < kCount; ++i) {
    if (words[i].text == text) {
      out = words[i].value;
      return true;
    }
    known += (i == 0 ? "" : i + 1 == kCount ? " or " : ", ") + std::string(words[i].text);
  }
  error = fmt::format("option '{}' is {}, found '{}'", key, known, text);
  return false;
}

template <typename Number>
std::optional<Number> whole_number(std::string_view text) {
  Number value{};
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failure != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

bool read_top(const Sink& sink, uint64_t& out, std::string& error) {
  const std::string_view text = sink.option("top");
  if (text.empty()) return true;
  const auto value = whole_number<uint64_t>(text);
  out = value.value_or(0);
  if (out != 0) return true;
  error = fmt::format("option 'top' is a number of rows, 1 or more, found '{}'", text);
  return false;
}

bool read_interval(const Sink& sink, uint64_t& out, std::string& error) {
  constexpr double kLeast = 0.1, kMost = 1e6;  // the tracer looks ten times a second
  const std::string_view text = sink.option("interval");
  if (text.empty()) return true;
  const auto seconds = whole_number<double>(text);
  if (seconds && *seconds >= kLeast && *seconds <= kMost) {
    out = static_cast<uint64_t>(std::llround(*seconds * 1e9));
    return true;
  }
  error = fmt::format("option 'interval' is a number of seconds, 0.1 or more, found '{}'", text);
  return false;
}

}  // namespace

std::variant<SummaryOptions, std::string> read_summary_options(const Sink& sink) {
  SummaryOptions options;
  std::string error;
  const bool is_right = read_word(sink, "by", kBy, options.by, error) &&
                        read_word(sink, "sort", kSort, options.sort, error) &&
                        read_word(sink, "format", kFormat, options.format, error) &&
                        read_word(sink, "histogram", kHistogram, options.histograms, error) &&
                        read_top(sink, options.top, error) &&
                        read_interval(sink, options.interval_ns, error);
  if (!is_right) return error;
  const bool is_for_people = options.format != SummaryFormat::kJson;
  if (sink.host().all_calls != 0 || !is_for_people) options.rows = RowChoice::kAll;
  options.all_calls = sink.host().all_calls != 0;
  if (sink.host().stack_trace != 0) options.callers = Callers::kNamed;
  return options;
}

std::string_view row_name(SummaryBy by) {
  for (const auto& word : kBy)
    if (word.value == by) return word.text;
  return "";
}

}  // namespace wc::backends
