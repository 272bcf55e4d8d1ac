#include "explore/endings.h"

#include <fmt/format.h>
#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <csignal>

#include "compare/words.h"

namespace wc::explore {
namespace {

// Signals by which a program ends that has gone wrong. Others are what processes send each other.
constexpr std::array<std::string_view, 7> kFaults = {"SIGSEGV", "SIGBUS", "SIGABRT", "SIGFPE",
                                                     "SIGILL",  "SIGSYS", "SIGTRAP"};

std::string signal_name(int number) {
  const char* name = sigabbrev_np(number);
  return name != nullptr ? fmt::format("SIG{}", name) : fmt::format("{}", number);
}

std::string last_own_line(const std::string& text) {
  const std::size_t begin = text.rfind(compare::kOwnPrefix);
  if (begin == std::string::npos) return text;
  const std::string line = text.substr(begin + compare::kOwnPrefix.size());
  return line.substr(0, line.find('\n'));
}

Verdict by_signal(const std::string& signal, const Death* death, std::string_view whose) {
  Verdict verdict{Ending::Signal, fmt::format("signal {}{}", signal, whose), signal, 0, {}};
  if (death != nullptr) verdict.stack = death->stack;
  return verdict;
}

// Of the program itself, or of a process that it has started and that does not die so anyway.
std::vector<Verdict> signals_of(const Sound& sound, const Ran& ran) {
  const auto& deaths = ran.trace.deaths;
  if (WIFSIGNALED(ran.status) && ran.status != sound.status) {
    const auto own = std::find_if(deaths.begin(), deaths.end(), [&](const Death& death) {
      return death.pid == ran.trace.program;
    });
    return {
        by_signal(signal_name(WTERMSIG(ran.status)), own == deaths.end() ? nullptr : &*own, "")};
  }
  for (const Death& death : deaths) {
    const auto is_same = [&](std::string_view other) { return other == death.signal; };
    if (death.pid != ran.trace.program && std::any_of(kFaults.begin(), kFaults.end(), is_same) &&
        std::none_of(sound.deaths.begin(), sound.deaths.end(), is_same))
      return {by_signal(death.signal, &death, " of a child")};
  }
  return {};
}

bool is_reached(const Ran& ran, const Point& point) {
  return std::any_of(ran.trace.syscalls.begin(), ran.trace.syscalls.end(), [&](const Syscall& one) {
    return one.injected && is_at(ran.trace, one, point);
  });
}

}  // namespace

std::string without_own_lines(const std::string& text) {
  std::string kept;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size() - 1) + 1;
    const std::string_view line = std::string_view(text).substr(begin, end - begin);
    if (!line.starts_with(compare::kOwnPrefix)) kept += line;
    begin = end;
  }
  return kept;
}

bool ended_alike(const Ran& one, const Ran& other) {
  return one.status == other.status && one.out == other.out &&
         without_own_lines(one.err) == without_own_lines(other.err);
}

Sound sound_of(const Ran& first, const Ran& second) {
  Sound sound;
  sound.status = first.status;
  sound.out = first.out;
  sound.err = without_own_lines(first.err);
  sound.out_varies = first.out != second.out;
  sound.err_varies = sound.err != without_own_lines(second.err);
  for (const Ran* ran : {&first, &second})
    for (const Death& death : ran->trace.deaths) sound.deaths.push_back(death.signal);
  return sound;
}

std::string fault_of_tracer(const Ran& ran) {
  constexpr int kTracerFailed = 125, kNotFound = 127;  // and what stands between them
  if (!ran.failure.empty()) return ran.failure;
  if (!WIFEXITED(ran.status) || ran.trace.program_ends) return {};
  const int status = WEXITSTATUS(ran.status);
  const bool is_own = ran.err.find(compare::kOwnPrefix) != std::string::npos;
  return is_own && status >= kTracerFailed && status <= kNotFound ? last_own_line(ran.err) : "";
}

Verdict judge(const Sound& sound, const Ran& ran, const Point& point) {
  if (const std::string fault = fault_of_tracer(ran); !fault.empty())
    return {Ending::Failed, "could not be run: " + fault, "", 0, {}};
  if (!ran.ended) return {Ending::Hang, fmt::format("hang ({})", ran.doing), "", 0, {}};
  if (!is_reached(ran, point))
    return {Ending::NotReached, "not reached: the run went another way", "", 0, {}};
  if (const auto signals = signals_of(sound, ran); !signals.empty()) return signals.front();
  if (ran.status != sound.status) {
    Verdict verdict{Ending::OtherStatus, "", "", 0, {}};
    if (WIFEXITED(ran.status)) verdict.status = WEXITSTATUS(ran.status);
    verdict.text = fmt::format("other status {}", verdict.status);
    return verdict;
  }
  const bool out = !sound.out_varies && ran.out != sound.out;
  const bool err = !sound.err_varies && without_own_lines(ran.err) != sound.err;
  if (!out && !err) return {Ending::Same, "same output and status", "", 0, {}};
  return {Ending::OutputDiffers,
          out ? "output differs" : "output differs (standard error only)",
          "",
          0,
          {}};
}

}  // namespace wc::explore
