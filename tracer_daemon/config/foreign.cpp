// What to say of options that other tools have and this one does not.
#include <algorithm>

#include "config/tables.h"

namespace wc::config {
namespace {

struct Foreign {
  std::string_view spelled;
  std::string_view hint;
};

constexpr std::string_view kFollows =
    "child processes are followed by default, --no-follow stops that";
constexpr std::string_view kHex =
    "strings are escaped as strace does without it (ltrace's -x is -B here)";
constexpr std::string_view kSort = "-c sorts by time; -b summary:sort=KEY sorts by another column";
constexpr std::string_view kNumbers = "-b json has the number of each system call as nr";
constexpr std::string_view kPlace = "the caller stands at each call; -k prints the whole stack";
constexpr std::string_view kEnvironment =
    "env(1) sets a variable: wc-preload env NAME=VALUE PROGRAM";
constexpr std::string_view kTimes = "the summary's times are wall clock times";
constexpr std::string_view kAbbreviated = "structures are abbreviated as strace does by default";
constexpr std::string_view kDaemon = "wc-preload serve and --connect leave the program its parent";

constexpr std::string_view kOverhead =
    "the tracer's own time is not subtracted; --compare measures what tracing costs";
constexpr std::string_view kInterruptible =
    "a signal that is sent to wc-preload reaches the program; -p PID ends at Ctrl-C";

// Options that hands used to strace, ltrace and perf will type.
constexpr Foreign kForeign[] = {
    {"-f", kFollows},
    {"--follow-forks", kFollows},
    {"-S", kSort},
    {"--summary-sort-by", kSort},
    {"-U", "-c has all its columns; -b summary:format=json has the figures"},
    {"--summary-columns", "-c has all its columns; -b summary:format=json has the figures"},
    {"-w", kTimes},
    {"--summary-wall-clock", kTimes},
    {"-O", kOverhead},
    {"--summary-syscall-overhead", kOverhead},
    {"-x", kHex},
    {"--strings-in-hex", kHex},
    {"-X", "constants are printed by name; -b json has the numbers"},
    {"--const-print-style", "constants are printed by name; -b json has the numbers"},
    {"-i", kPlace},
    {"--instruction-pointer", kPlace},
    {"-n", kNumbers},
    {"--syscall-number", kNumbers},
    {"-I", kInterruptible},
    {"--interruptible", kInterruptible},
    {"-D", kDaemon},
    {"--daemonize", kDaemon},
    {"-d", "-v and -vv say what is done and why"},
    {"--debug", "-v and -vv say what is done and why"},
    {"-Y", "-v names each program; -b json has it in the process events"},
    {"--decode-pids", "-v names each program; -b json has it in the process events"},
    {"-l", "functions of one library are selected with -F '*@LIBRARY'"},
    {"-L", "-e none reports no system calls, with -a calls alone"},
    {"--columns", "-b text:column=N moves the callers"},
    {"--env", kEnvironment},
    {"--abbrev", kAbbreviated},
    {"--no-abbrev", kAbbreviated},
    {"--verbose", kAbbreviated},
    {"--raw", "-b json has the arguments as numbers"},
    {"--read", "-s N shows more of what is read and written"},
    {"--write", "-s N shows more of what is read and written"},
    {"--detach-on", "a breakpoint is -B, a backend is -b; tracing ends with the program"},
    {"--seccomp-bpf", "programs run at native speed outside of the selected functions anyway"},
    {"--kill-on-exit", "the program outlives the tracer"},
    {"--tips", "wc-preload --help has examples"},
    {"--argv0", "exec -a NAME of a shell sets it: wc-preload bash -c 'exec -a NAME PROGRAM'"},
};

}  // namespace

std::string_view foreign_option_hint(std::string_view spelled) {
  const auto* row = std::find_if(std::begin(kForeign), std::end(kForeign),
                                 [&](const Foreign& one) { return one.spelled == spelled; });
  return row == std::end(kForeign) ? std::string_view() : row->hint;
}

// strace's -a, -b, -E and -v have other meanings here: what it takes for their values gives that
// away.
std::string_view foreign_value_hint(Key key, std::string_view value) {
  const bool is_number =
      !value.empty() && value.find_first_not_of("0123456789") == std::string_view::npos;
  if (key == Key::AllCalls && is_number)
    return "-a takes no column here: it reports all calls; -b text:column=N moves the callers";
  if (key == Key::Engine && value.find('=') != std::string_view::npos)
    return "-E chooses the engine here; env(1) sets a variable: wc-preload env NAME=VALUE PROGRAM";
  if (key == Key::Backend && value == "execve")
    return "-b chooses the backend here; there is no --detach-on, but --no-follow";
  return {};
}

}  // namespace wc::config
