// Values of the options that say which events are reported and how they are shown, in strace's
// words.
#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>

#include "base/text.h"
#include "config/apply.h"
#include "config/words.h"

namespace wc::config {
namespace {

constexpr std::string_view kSeparators = ", \t";

Error not_here(const Setting& setting, std::string_view word, std::string_view instead) {
  return Error{fmt::format("{}: {}: not available in this version; {}", setting.where,
                           in_quotes(word), instead),
               ENOTSUP};
}

Error unknown(const Setting& setting, std::string_view word,
              std::span<const std::string_view> names) {
  return Error{fmt::format("{}: unknown value {}{}", setting.where, in_quotes(word),
                           suggestion(word, names))};
}

// ---- Signals

constexpr int kLastSignal = 64;

constexpr uint64_t bit_of(int signal) { return uint64_t{1} << (signal - 1); }

// "SIGINT", "INT", "int", "2", "SIGRTMIN+1", "SIGRT_1"; 0: no signal.
int signal_of(std::string word) {
  std::transform(word.begin(), word.end(), word.begin(), ::toupper);
  if (const auto number = whole_number<int>(word))
    return *number >= 1 && *number <= kLastSignal ? *number : 0;
  if (word.starts_with("SIG")) word.erase(0, 3);
  for (const std::string_view prefix : {"RTMIN+", "RT_"}) {
    // As strace counts: RT_0 is the kernel's first.
    const int first = prefix == "RT_" ? 32 : SIGRTMIN;
    if (!word.starts_with(prefix)) continue;
    if (const auto number = whole_number<int>(std::string_view(word).substr(prefix.size())))
      return *number >= 0 && *number <= kLastSignal - first ? first + *number : 0;
  }
  if (word == "RTMIN") return SIGRTMIN;
  if (word == "RTMAX") return SIGRTMAX;
  if (word == "CLD") return SIGCHLD;
  if (word == "IOT") return SIGABRT;
  if (word == "IO") return SIGIO;  // which glibc abbreviates as POLL
  for (int signal = 1; signal < 32; ++signal) {
    const char* name = ::sigabbrev_np(signal);
    if (name != nullptr && word == name) return signal;
  }
  return 0;
}

Error unknown_signal(const Setting& setting, std::string_view word) {
  static const std::vector<std::string> kNames = [] {
    std::vector<std::string> names{"all", "none"};
    for (int signal = 1; signal < 32; ++signal) {
      if (const char* name = ::sigabbrev_np(signal); name != nullptr)
        names.push_back(std::string("SIG") + name);
    }
    return names;
  }();
  const std::vector<std::string_view> views(kNames.begin(), kNames.end());
  const std::string_view near = closest_word(word, views);
  const std::string hint =
      near.empty() ? "; valid: names as SIGINT, numbers from 1 to 64, all, none, ! before the list"
                   : fmt::format("; did you mean {}?", near);
  return Error{fmt::format("{}: unknown signal {}{}", setting.where, in_quotes(word), hint)};
}

// ---- Sets of names

struct Member {
  std::string_view name;
  unsigned bits;
};

constexpr Member kStatuses[] = {{"successful", kSuccessful},
                                {"failed", kFailed},
                                {"unfinished", kUnfinished},
                                {"all", kAllStatuses},
                                {"none", 0}};

// The last three are strace's: there are no such lines here to be left out.
constexpr Member kQuiets[] = {{"attach", kQuietAttach},
                              {"exit", kQuietExit},
                              {"signal", kQuietSignals},
                              {"all", kQuietAttach | kQuietExit | kQuietSignals},
                              {"none", 0},
                              {"path-resolution", 0},
                              {"personality", 0},
                              {"thread-execve", 0}};

Status read_set(const Setting& setting, std::string_view text, std::span<const Member> members,
                unsigned& out) {
  std::vector<std::string_view> names;
  for (const Member& member : members) names.push_back(member.name);
  const auto words = split_words(text, kSeparators);
  if (words.empty()) return Error{setting.where + ": the list is empty"};
  out = 0;
  for (const std::string_view word : words) {
    const auto found = std::find_if(members.begin(), members.end(),
                                    [&](const Member& member) { return member.name == word; });
    if (found == members.end()) return unknown(setting, word, names);
    out |= found->bits;
  }
  return Done{};
}

// ---- Time stamps

constexpr int kClockBits = 3;

int clock_of(const Options& options) { return options.time_format & kClockBits; }

void set_clock(Options& options, int format) {
  options.time_format = (options.time_format & ~kClockBits) | format;
}

// strace has `ms` and `ns`, too; lines here have microseconds.
Status check_precision(const Setting& setting, std::string_view word) {
  if (word == "us") return Done{};
  if (word == "ms" || word == "ns" || word == "s")
    return not_here(setting, word, "times are shown in microseconds (us)");
  constexpr std::string_view kNames[] = {"us", "yes", "no"};
  return unknown(setting, word, kNames);
}

}  // namespace

Status set_signals(const Setting& setting, Options& options) {
  std::string_view text = trimmed(setting.value);
  const bool excludes = text.starts_with('!');
  if (excludes) text.remove_prefix(1);
  uint64_t signals = 0;
  const auto words = split_words(text, kSeparators);
  if (words.empty()) return Error{setting.where + ": the list is empty"};
  for (const std::string_view word : words) {
    const int signal = signal_of(std::string(word));
    if (signal != 0) {
      signals |= bit_of(signal);
    } else if (word == "all") {
      signals = ~uint64_t{0};
    } else if (word != "none") {
      return unknown_signal(setting, word);
    }
  }
  options.signals = excludes ? ~signals : signals;
  return Done{};
}

Status set_statuses(const Setting& setting, Options& options) {
  if (setting.key == Key::Successful) return options.statuses = kSuccessful, Done{};
  if (setting.key == Key::Failed) return options.statuses = kFailed, Done{};
  std::string_view text = trimmed(setting.value);
  const bool excludes = text.starts_with('!');
  if (excludes) text.remove_prefix(1);
  for (const std::string_view word : split_words(text, kSeparators)) {
    if (word == "unavailable" || word == "detached")
      return not_here(setting, word, "unfinished has what did not come back");
  }
  if (Status read = read_set(setting, text, kStatuses, options.statuses); !read) return read;
  if (excludes) options.statuses = kAllStatuses & ~options.statuses;
  return Done{};
}

Status set_quiet(const Setting& setting, Options& options) {
  if (!setting.value.empty()) return read_set(setting, setting.value, kQuiets, options.quiet);
  constexpr unsigned kOnce = kQuietAttach | kQuietExit;
  options.quiet |= (options.quiet & kOnce) == kOnce ? kOnce | kQuietSignals : kOnce;
  return Done{};
}

// As strace counts: -t seconds, -tt microseconds, -ttt since the epoch.
Status set_clock_format(const Setting& setting, Options& options) {
  constexpr int kMost = 3;
  if (setting.value.empty()) {
    if (clock_of(options) == kMost)
      return Error{"option -t given more than three times; valid: -t, -tt, -ttt"};
    set_clock(options, clock_of(options) + 1);
    return Done{};
  }
  int format = 1;
  for (std::string_view word : split_words(setting.value, kSeparators)) {
    for (const std::string_view prefix : {"format:", "precision:"}) {
      if (word.starts_with(prefix)) word.remove_prefix(prefix.size());
    }
    constexpr std::string_view kNames[] = {"none", "time", "unix", "s", "us"};
    if (word == "ms" || word == "ns")
      return not_here(setting, word, "times are shown in seconds (s) or microseconds (us)");
    if (std::find(std::begin(kNames), std::end(kNames), word) == std::end(kNames))
      return unknown(setting, word, kNames);
    if (word == "none") format = 0;
    if (word == "unix") format = 3;
    if (word == "us" && format == 1) format = 2;
  }
  set_clock(options, format);
  return Done{};
}

Status set_relative_time(const Setting& setting, Options& options) {
  bool is_wanted = true;
  if (Status read = set_microseconds(setting, is_wanted); !read) return read;
  options.time_format = clock_of(options) | (is_wanted ? kRelativeTime : 0);
  return Done{};
}

// Nothing, a switch as the INI file has it, or the precision as strace has it.
Status set_microseconds(const Setting& setting, bool& flag) {
  const std::string& text = setting.value;
  flag = text != "no" && text != "off" && text != "false" && text != "0";
  if (text.empty() || !flag || text == "yes" || text == "on" || text == "true" || text == "1")
    return Done{};
  return check_precision(setting, text);
}

// -y paths, -yy addresses of sockets, too.
Status set_descriptors(const Setting& setting, Options& options) {
  unsigned level = (options.show_paths ? 1 : 0) + (options.show_addresses ? 1 : 0) + 1;
  if (!setting.value.empty()) {
    constexpr Member kKinds[] = {{"none", 0}, {"no", 0},     {"yes", 1},
                                 {"path", 1}, {"socket", 2}, {"all", 2}};
    for (const std::string_view word : split_words(setting.value, kSeparators)) {
      if (word == "dev" || word == "pidfd" || word == "signalfd")
        return not_here(setting, word, "path and socket are");
    }
    if (Status read = read_set(setting, setting.value, kKinds, level); !read) return read;
  } else if (level > 2) {
    return Error{"option -y given more than twice; valid: -y, -yy"};
  }
  options.show_paths = level > 0;
  options.show_addresses = level > 1;
  return Done{};
}

Status add_pids(const Setting& setting, Options& options) {
  constexpr unsigned kMost = 1u << 22;  // PID_MAX_LIMIT, proc(5)
  const auto words = split_words(setting.value, ", \t\n");
  if (words.empty()) return Error{setting.where + ": the list is empty"};
  for (const std::string_view word : words) {
    const auto pid = whole_number<unsigned>(word);
    if (!pid || *pid > kMost)
      return Error{
          fmt::format("{}: bad value {}; valid: a number from 1 to {}, or several with "
                      "commas between them",
                      setting.where, in_quotes(word), kMost)};
    if (*pid == 0) return Error{setting.where + ": 0 is no process"};
    const int number = static_cast<int>(*pid);
    auto& pids = options.pids;
    if (std::find(pids.begin(), pids.end(), number) == pids.end()) pids.push_back(number);
  }
  return Done{};
}

}  // namespace wc::config
