#include "top/options.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <string_view>

#include "base/text.h"

namespace wc::top {
namespace {

Status read_number(std::string_view name, std::string_view value, uint64_t least, uint64_t most,
                   uint64_t& to) {
  const auto number = whole_number<uint64_t>(value);
  if (!number || *number < least || *number > most)
    return Error{
        fmt::format("{} '{}': a number from {} to {} is wanted", name, value, least, most)};
  to = *number;
  return Done{};
}

Status read_own(std::string_view name, std::string_view value, TopOptions& options) {
  constexpr uint64_t kMostMilliseconds = 3'600'000, kMostRows = 10'000;
  uint64_t number = 0;
  if (name == "--interval") {
    Status read = read_number(name, value, 100, kMostMilliseconds, number);
    if (read) options.interval_ms = static_cast<uint32_t>(number);
    return read;
  }
  if (name == "--rows") return read_number(name, value, 1, kMostRows, options.rows);
  for (size_t i = 0; i < kTables; i++) {
    if (word_of(static_cast<Table>(i)) != value) continue;
    options.table = static_cast<Table>(i);
    return Done{};
  }
  return Error{
      fmt::format("--table '{}': there are function, syscall, thread, caller and path", value)};
}

bool is_own(std::string_view name) {
  return name == "--interval" || name == "--rows" || name == "--table";
}

// The words before `--`: those of this program are taken, the rest is returned.
Result<std::vector<std::string>> take_own(std::span<const char* const> words, TopOptions& options) {
  std::vector<std::string> rest;
  for (size_t i = 0; i < words.size(); i++) {
    const std::string_view word = words[i];
    const std::string_view name = word.substr(0, word.find('='));
    if (word == "--help") options.is_help = true;
    if (!is_own(name)) {
      rest.emplace_back(word);
      continue;
    }
    const bool is_attached = name.size() < word.size();
    if (!is_attached && i + 1 == words.size())
      return Error{fmt::format("{}: a value is missing", name)};
    const std::string_view value = is_attached ? word.substr(name.size() + 1) : words[++i];
    if (Status read = read_own(name, value, options); !read) return read.error();
  }
  return rest;
}

bool begins(const std::vector<std::string>& words, std::string_view letter, std::string_view name) {
  return std::ranges::any_of(words, [&](const std::string& word) {
    return word.starts_with(letter) || word == name || word.starts_with(std::string(name) + '=');
  });
}

}  // namespace

Result<TopOptions> parse_top_options(std::span<const char* const> words) {
  TopOptions options;
  const auto dashes = std::ranges::find(words, std::string_view("--"));
  const auto before = static_cast<size_t>(dashes - words.begin());
  auto rest = take_own(words.first(before), options);
  if (!rest) return rest.error();
  options.options = std::move(*rest);
  if (options.is_help) return options;
  if (begins(options.options, "--control", "--control"))
    return Error{
        "--control: the view makes a socket of its own; to use yours, start wc-preload "
        "--control PATH, then wc-top PATH"};
  if (dashes != words.end()) {
    options.whose = Whose::Own;
    for (const char* word : words.subspan(before + 1)) options.program.emplace_back(word);
    if (options.program.empty()) return Error{"no program behind --"};
    return options;
  }
  if (begins(options.options, "-p", "--attach")) {
    options.whose = Whose::Attached;
    return options;
  }
  if (options.options.empty())
    return Error{"what is to be watched? PATH of a socket, -p PID, or -- PROGRAM"};
  const std::string first = options.options.front();
  if (options.options.size() > 1 || first.starts_with('-'))
    return Error{fmt::format(
        "'{}': options such as this one are for a run that the view starts: wc-top [OPTION...] -- "
        "PROGRAM, or with -p PID; a running tracer is watched by wc-top PATH alone",
        first.starts_with('-') ? first : options.options[1])};
  options.path = first;
  options.options.clear();
  return options;
}

std::string top_usage() {
  return "usage: wc-top [VIEW...] PATH                          a tracer started with --control "
         "PATH\n"
         "       wc-top [VIEW...] [OPTION...] -- PROGRAM [ARG...]  a program that it starts\n"
         "       wc-top [VIEW...] [OPTION...] -p PID               a process that runs\n"
         "Shows live what `wc-preload` counts. OPTION: as for wc-preload. VIEW:\n"
         "  --interval MS   between two looks (default 1000)\n"
         "  --table NAME    begin with function (default), syscall, thread, caller or path\n"
         "  --rows N        of each table, those with the most time (default 500)\n"
         "  --help          this text\n"
         "Keys are shown on the screen; ? shows all. NO_COLOR in the environment: no colours.\n"
         "Exit status: with -- PROGRAM that of wc-preload; 2: nothing could be watched.\n";
}

std::vector<std::string> preload_words(const TopOptions& options, const std::string& socket) {
  std::vector<std::string> words{"--control", socket};
  if (!begins(options.options, "-b", "--backend")) words.insert(words.end(), {"-b", "none"});
  words.insert(words.end(), options.options.begin(), options.options.end());
  if (options.whose == Whose::Own) words.emplace_back("--");
  words.insert(words.end(), options.program.begin(), options.program.end());
  return words;
}

std::string title_of(const TopOptions& options) {
  if (options.whose == Whose::Somebody) return options.path;
  std::string title;
  if (options.whose == Whose::Attached)
    for (const std::string& word : options.options) title += (title.empty() ? "" : " ") + word;
  for (const std::string& word : options.program)
    title += title.empty() ? word.substr(word.rfind('/') + 1) : ' ' + word;
  return title;
}

}  // namespace wc::top
