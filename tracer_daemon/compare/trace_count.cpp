#include "compare/trace_count.h"

#include <fstream>
#include <map>
#include <string_view>

namespace wc::compare {
namespace {

bool has(std::string_view line, std::string_view words) {
  return line.find(words) != std::string_view::npos;
}

// The text between `before` and the next quote. No string of the program can look like that: its
// quotes are escaped.
std::string field(std::string_view line, std::string_view before) {
  const std::size_t begin = line.find(before);
  if (begin == std::string_view::npos) return {};
  const std::string_view rest = line.substr(begin + before.size());
  return std::string(rest.substr(0, rest.find('"')));
}

// "PID " in front of a line, where there is one.
std::string_view take_pid(std::string_view& line) {
  const std::size_t digits = line.find_first_not_of("0123456789");
  if (digits == 0 || digits == std::string_view::npos || line[digits] != ' ') return {};
  const std::string_view pid = line.substr(0, digits);
  line.remove_prefix(line.find_first_not_of(' ', digits));
  return pid;
}

class Counter {
 public:
  explicit Counter(TraceFormat format) : format_(format) {}

  void take(std::string_view line) {
    switch (format_) {
      case TraceFormat::None:
        break;
      case TraceFormat::OwnJson:
        take_json(line);
        break;
      case TraceFormat::Strace:
      case TraceFormat::StraceStacks:
        take_strace(line);
        break;
      case TraceFormat::Ltrace:
        take_ltrace(line);
        break;
      case TraceFormat::PerfTrace:
        take_perf(line);
        break;
      case TraceFormat::Bpftrace:
        if (has(line, " uprobe:")) add(Attributed::Yes);
        break;
    }
  }

  TraceCount result() && { return std::move(count_); }

 private:
  enum class Attributed { No, Yes };

  void add(Attributed attributed) {
    count_.seen.events++;
    if (attributed == Attributed::Yes) count_.seen.attributed++;
  }

  void take_json(std::string_view line) {
    if (has(line, R"("type":"call")") && has(line, R"("library":"libc.so)")) {
      libc_calls_.insert(field(line, R"("function":")"));
      return;
    }
    if (!has(line, R"("type":"syscall")")) return;
    const std::string function = field(line, R"("function":")");
    add(function.empty() ? Attributed::No : Attributed::Yes);
    count_.syscalls.insert(field(line, R"("name":")"));
    if (libc_calls_.contains(function)) count_.functions.insert(function);
  }

  // A stack follows its system call's line; with -f both may be split, the call's second part
  // begins "<...".
  void take_strace(std::string_view line) {
    if (line.starts_with(" > ")) {
      const bool named = has(line, "(") && !has(line, "()") && !has(line, "unexpected_backtracing");
      if (named && fresh_) count_.seen.attributed++;
      if (named) fresh_ = false;
      return;
    }
    take_pid(line);
    const bool call = !line.starts_with("<...") && !line.starts_with("+++") &&
                      !line.starts_with("---") && !line.starts_with("strace: ") && has(line, "(");
    if (!call) return;
    add(Attributed::No);
    fresh_ = format_ == TraceFormat::StraceStacks;
  }

  // Calls are open between "NAME(... <unfinished ...>" and "<... NAME resumed>".
  void take_ltrace(std::string_view line) {
    int& open = open_[std::string(take_pid(line))];
    if (line.starts_with("SYS_")) {
      add(open > 0 ? Attributed::Yes : Attributed::No);
    } else if (line.starts_with("<... ")) {
      if (!line.starts_with("<... SYS_") && open > 0) open--;
    } else if (has(line, "<unfinished ...>")) {
      open++;
    }
  }

  // "TIME ( DURATION ms): NAME(...)"; the second part of one that waited says "[continued]".
  void take_perf(std::string_view line) {
    if (has(line, "): ") && !has(line, " ... [continued]: ")) add(Attributed::No);
  }

  TraceFormat format_;
  TraceCount count_;
  bool fresh_ = false;                // the last system call has shown no named frame yet
  std::map<std::string, int> open_;   // calls a thread
  std::set<std::string> libc_calls_;  // functions of libc that were called
};

}  // namespace

TraceCount count_trace(const std::string& path, TraceFormat format) {
  Counter counter(format);
  if (format != TraceFormat::None) {
    std::ifstream file(path);
    for (std::string line; std::getline(file, line);) counter.take(line);
  }
  return std::move(counter).result();
}

}  // namespace wc::compare
