// What a run is asked to do, from the command line and the INI file (design, section 7).
//
// Both sources become Settings (settings.h), which apply() writes into Options; the command line
// is applied last and wins. Whatever the contract names but this version does not do is refused
// with an Error whose code is ENOTSUP and whose line says "not available in this version".
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"

namespace wc {

// Default: nothing was said, which is ptrace (docs/architecture.md, Engines).
enum class EngineChoice { Default, Auto, Ptrace, Inproc, Bpf };
enum class GateChoice { Auto, Socket, Trap, Dispatch };
enum class ScopeMode { Functions, Main, Process };
enum class Overflow { Wait, Drop };
enum class ColorChoice { Auto, Always, Never };      // --color
enum class StackFunctions { Native, Python, Auto };  // --frames
enum class Command {
  Run,
  Attach,
  Serve,
  Replay,
  Diff,
  Measure,
  Help,
  Version,
  ListFunctions,
  ListSyscalls,
  ListClasses
};

// How a system call ended (-z, -Z, --status), and which lines -q leaves out; to be ORed.
inline constexpr unsigned kSuccessful = 1, kFailed = 2, kUnfinished = 4, kAllStatuses = 7;
inline constexpr unsigned kQuietAttach = 1, kQuietExit = 2, kQuietSignals = 4;
// Of Options::time_format: -r, besides one of the others.
inline constexpr int kRelativeTime = 4;

// --compare: the program run native, traced, and under other tools, in turn.
struct CompareOptions {
  bool asked = false;
  int runs = 5;
  std::vector<std::string> outputs;    // each ends in .json, .svg or .html
  std::string load;                    // shell command that is run against the program, a server
  std::string ready;                   // shell command that succeeds when the server is ready
  std::string figure;                  // pattern of the figure that load or program prints
  bool less_is_better = false;         // of that figure
  double run_limit = 0;                // seconds for one run; 0: from how long native takes
  double total_limit = 600;            // seconds for all
  std::vector<std::string> handed_on;  // options of the traced runs but for -b, -c, -E, -g
};

// --explore: each point of a run made to fail in a run of its own.
struct ExploreOptions {
  bool asked = false;
  std::string errors;                  // "", "all", or names with commas, not yet parsed
  double run_limit = 0;                // seconds for one run; 0: from how long the first one takes
  double total_limit = 0;              // seconds for all; 0: none
  std::vector<std::string> handed_on;  // options that all runs get
};

// --flight: the last events of each thread are kept, and written when there is a reason.
struct FlightChoice {
  bool asked = false;
  uint32_t events = 10'000;  // of a thread
  bool on_exit = true, on_signal = true, on_rule = false;
  uint64_t slow = 0;        // nanoseconds; 0: never mind
  std::vector<int> errors;  // errno
};
inline constexpr uint32_t kMostFlightEvents = 1'000'000;

// --replay: what a run has recorded is shown again.
struct ReplayOptions {
  std::string file;
  std::string sysroot;             // where the files of the recorded run are; empty: here
  bool string_size_given = false;  // -s; else it is the recorded run's
  bool has_stacks = false;         // the recorded run
};
// -s of a run that is recorded.
inline constexpr unsigned kMostRecordedString = 1u << 16;

// --stack-depth accepts 1 to this, which is also what is shown without it, as by strace.
inline constexpr unsigned kMaxShownFrames = 256;

// --inject, --fault, --deny: not yet parsed.
struct RuleText {
  enum class Kind { Inject, Fault, Deny };
  Kind kind = Kind::Inject;
  std::string text;
  std::string where;  // "a.ini:3: [policy] deny"; empty for the command line
};

// --every, --rate, --first, as they were written.
struct SampleText {
  enum class Kind { Every, Rate, First };
  Kind kind = Kind::Every;
  std::string text;  // N[@FUNCTIONS]
};

// --expect: not yet parsed.
struct ClaimText {
  std::string text;
  std::string where;  // "claims.txt:3", "a.ini:3: [expect] claim"; empty for the command line
};

struct Options {
  Command command = Command::Run;
  std::string functions = "@default";  // selection language, not yet parsed
  bool functions_given = false;        // by -F or [functions] wrap=
  std::string breakpoints;             // selection language of -B, not yet parsed
  std::string syscalls;                // -e language, not yet parsed; empty: all
  std::vector<std::string> paths;      // -P: globs; empty: all
  unsigned statuses = kAllStatuses;    // of the system calls that are reported
  uint64_t signals = ~uint64_t{0};     // that are reported: bit N-1 for signal N
  unsigned quiet = 0;                  // -q
  std::vector<RuleText> rules;         // in the order given
  std::vector<SampleText> samples;     // the same
  std::vector<ClaimText> claims;       // the same
  std::string junit_path;              // --expect-junit; empty: none
  EngineChoice engine = EngineChoice::Default;
  GateChoice gate = GateChoice::Auto;
  Overflow overflow = Overflow::Wait;  // what a full ring of engine inproc does
  ScopeMode scope = ScopeMode::Functions;
  // Engine inproc: globs over file names of libraries whose syscall sites are patched.
  std::vector<std::string> patched_libraries{"libc.so.6", "ld-linux-x86-64.so.2"};
  std::vector<std::string> backends;  // specs NAME[:key=value,...]; "text" when none was given
  std::string output;                 // empty: standard error
  bool append = false;                // -A
  bool separately = false;            // -ff: OUTPUT.PID for each process
  bool all_calls = false;
  unsigned string_size = 32;  // bytes
  int time_format = 0;        // 0 none, 1..3 -t -tt -ttt, 4 added: -r (as wc_host::time_format)
  bool show_duration = false;
  bool show_paths = false;
  bool show_addresses = false;  // of sockets; implies show_paths
  bool objects = false;
  bool stack_trace = false;
  unsigned stack_depth = kMaxShownFrames;
  ColorChoice color = ColorChoice::Auto;
  StackFunctions frames = StackFunctions::Native;
  bool follow = true;
  int verbose = 0;
  std::string control_path;  // of the socket of wc-ctl, or of --connect; empty: none
  std::string prepared;      // --prepare: selection language, not yet parsed
  std::string connect_path;
  std::vector<std::string> user_preloads;  // [LD_PRELOAD]: readable ELF files, no blank or colon
  CompareOptions compare;
  ExploreOptions explore;
  FlightChoice flight;
  ReplayOptions replay;
  std::string threshold;              // of --diff, not yet parsed; empty: none
  std::string list;                   // argument of --list-functions and --list-syscalls, or empty
  std::vector<int> pids;              // -p: running processes to trace; empty: `program` is started
  std::string user;                   // -u: who runs `program`; empty: as this process
  std::vector<std::string> program;   // program and arguments; empty for Command::Run only with -p
  std::vector<std::string> warnings;  // a line each: what has no effect, and why
};

// Whether functions are selected by -F, or by nothing else being asked for.
bool selects_functions(const Options& options);

// -s accepts 0 to this; -v counts to any number.
inline constexpr unsigned kMaxStringSize = 1u << 20;
// An INI file is read up to this many bytes and refused above.
inline constexpr std::size_t kMaxIniSize = 1u << 20;

// The arguments of wc-tracerd without argv[0]. The first is "run" or "serve", as the launcher
// chose, or "measure", as tests/bench does; where it is an option instead (wc-tracerd --help),
// "run" is meant. Reads the file of
// --config and looks at the files of [LD_PRELOAD]; no other I/O. Throws nothing.
Result<Options> parse_options(std::span<const char* const> args);

std::string help_text();       // ends with a newline, at most 100 columns
std::string version_number();  // "0.1.0"
std::string version_text();    // one line and a newline

}  // namespace wc
