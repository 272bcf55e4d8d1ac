// One active backend: its callbacks, built-in or from a shared object, its context, its output,
// and the host that it sees.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "backend_host/backend_spec.h"
#include "backend_host/crash_guard.h"
#include "backend_host/output.h"
#include "base/result.h"
#include "wc_backend.h"

namespace wc {

// When and where the run is, for all backends the same.
struct RunFacts {
  uint64_t began = 0;  // CLOCK_MONOTONIC, nanoseconds
  int64_t realtime_offset = 0;
  std::string machine, kernel;

  static RunFacts now();
};

// What the command line says that concerns backends.
// Hears of all that the run's backends hear of, whatever -ff makes of it: a backend without output
// that is this program's own code.
struct Observer {
  const wc_backend* callbacks = nullptr;
  void* context = nullptr;
};

struct HostOptions {
  uint32_t string_size = 32;    // -s
  uint32_t time_format = 0;     // wc_host::time_format
  bool show_duration = false;   // -T
  bool all_calls = false;       // -a
  bool whole_process = false;   // --scope=process
  bool stack_trace = false;     // -k
  std::optional<bool> colored;  // --color; unset: where a terminal shows colours
  std::string version;
  std::vector<std::string> argv;           // of the traced program; empty: not known yet
  std::string functions, breakpoints;      // -F, -B; empty: none
  std::string output_path;                 // -o; empty: standard error
  Existing existing = Existing::Truncate;  // -A: Append
  bool leaves_out_syscalls = false;        // -z, -Z, --status, -P
  bool separately = false;                 // -ff: a file for each process
  int32_t only_process = 0;                // the one whose events these backends get; 0: all
  std::string engine = "ptrace";
  RunFacts run;                                    // began 0: it begins now
  void (*say)(const std::string& line) = nullptr;  // tells the user; null: nobody is told
  std::vector<Observer> observers;
  bool engine_has_verdicts = false;  // whether it honours what syscall_enter returns
};

class BackendInstance {
 public:
  // Finds or loads it and checks that it fits this host, without calling it.
  static Result<std::unique_ptr<BackendInstance>> load(BackendSpec spec,
                                                       const HostOptions& options);
  BackendInstance(const BackendInstance&) = delete;
  BackendInstance& operator=(const BackendInstance&) = delete;
  ~BackendInstance();

  Status open(std::shared_ptr<Output> output);
  // Asks the terminal, where its output is one.
  void update_width() { host_.columns = output_->columns(); }
  // Lets it write what it has left; it is not called again. Also done by the destructor. `ended`:
  // when the run has; 0: it goes on.
  void close(uint64_t ended = 0);

  // Calls it. One that crashes in there has no callbacks from then on and is not closed.
  // True: it has returned, and goes on.
  template <typename Call>
  bool attempt(const char* callback, Call&& call) {
    const CrashReason reason = guarded(call);
    if (reason) give_up(callback, reason);
    return !reason && !has_retired_;
  }
  // One line about its crash, or what it has said of an error, once; empty: there is none.
  std::string take_crash() { return std::exchange(crash_, {}); }

  [[nodiscard]] const std::string& name() const { return spec_.name; }
  [[nodiscard]] const std::string& text() const { return spec_.text; }
  uint32_t id = 0;             // its number in the set
  bool has_misjudged = false;  // it has returned what is no verdict, and that was said
  [[nodiscard]] const std::string* option(std::string_view key) const;
  [[nodiscard]] const wc_backend& callbacks() const { return callbacks_; }
  [[nodiscard]] void* context() const { return context_; }
  [[nodiscard]] Output& output() const { return *output_; }
  void say(const char* line, bool is_error);
  // It asks for more while it opens.
  void want(uint32_t wants);
  // It has no part in the run any more, and says why.
  void retire(const char* line);
  // What it asks for itself and what the command line asks for it (-a, -t, -T).
  [[nodiscard]] uint32_t wants() const { return wants_; }
  [[nodiscard]] bool wants(wc_want want) const { return (wants_ & want) != 0; }

 private:
  struct CloseLibrary {
    void operator()(void* library) const;
  };

  BackendInstance(BackendSpec spec, const HostOptions& options);
  Status load_library();
  Status take_callbacks(const wc_backend* table);
  Status prepare();
  Status check(const HostOptions& options) const;
  void give_up(const char* callback, const CrashReason& reason);

  BackendSpec spec_;
  std::unique_ptr<void, CloseLibrary> library_;
  wc_backend callbacks_ = {};
  wc_host host_ = {};  // the backend keeps its address until close()
  std::string version_;
  std::vector<std::string> arguments_;
  std::string functions_, breakpoints_, machine_, kernel_, engine_, output_path_;
  wc_run run_ = {};
  void (*say_)(const std::string& line) = nullptr;
  std::vector<const char*> argv_;          // of arguments_, and NULL
  std::vector<const char*> option_names_;  // of spec_, and NULL
  std::optional<bool> colored_;
  std::shared_ptr<Output> output_;
  void* context_ = nullptr;
  uint32_t wants_ = 0;
  bool is_prepared_ = false, is_open_ = false, has_retired_ = false;
  bool has_phases_ = false;  // --scope=process
  std::string crash_;
};

}  // namespace wc
