#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "breakpoints/mapped_objects.h"
#include "control/control_server.h"
#include "engine/tracer.h"
#include "launch/attach.h"
#include "launch/claims.h"
#include "launch/engine_choice.h"
#include "launch/gate_choice.h"
#include "launch/identity.h"
#include "launch/launch.h"
#include "launch/own_limits.h"
#include "launch/plan_run.h"
#include "launch/preflight.h"
#include "launch/proc_check.h"
#include "launch/rules.h"
#include "launch/run_head.h"
#include "launch/sandbox.h"
#include "launch/shim_file.h"
#include "launch/signals.h"
#include "launch/standard_streams.h"
#include "launch/start_program.h"
#include "proc/files.h"
#include "proc/process.h"
#include "proc/status.h"
#include "session/private_directory.h"
#include "session/server.h"

namespace wc {
namespace {

// In full-process mode threads stop at every syscall anyway; what is left of a gate is the trap, by
// which the shim tells of new threads, full rings and returns.
Result<GateDecision> gate_for(const Options& options, const Sandbox& sandbox) {
  if (options.scope == ScopeMode::Process)
    return GateDecision{WC_GATE_TRAP, "gate: always open, for --scope=process"};
  if (!wraps(options)) return GateDecision{WC_GATE_TRAP, "gate: breakpoints, nothing is wrapped"};
  return choose_gate(options.gate, sandbox);
}

FlightOptions flight_options(const Options& options, const HostOptions& host) {
  FlightOptions flight;
  if (!options.flight.asked) return flight;
  const FlightChoice& choice = options.flight;
  flight.most = choice.events;
  flight.on_exit = choice.on_exit;
  flight.on_signal = choice.on_signal;
  flight.on_rule = choice.on_rule;
  flight.slow = choice.slow;
  flight.errors.insert(choice.errors.begin(), choice.errors.end());
  // Where nothing else is written, -o names its file.
  const bool is_alone = options.backends.size() == 1;
  flight.file = is_alone && !options.output.empty()
                    ? options.output
                    : "wc-flight." + std::to_string(getpid()) + ".raw";
  flight.began = host.run.began;
  flight.say = complain;
  return flight;
}

struct RunFolder {
  PrivateDirectory directory;
  std::string
      shim_path;  // where the program finds it, there or elsewhere; empty: nothing is wrapped
};

// Only what is loaded into the program needs a folder: the shim, and the socket that it calls.
Result<RunFolder> prepare_folder(const Options& options) {
  if (!wraps(options)) return RunFolder{PrivateDirectory::none(), {}};
  auto shim = find_shim();
  if (!shim) return shim.error();
  if (can_be_preloaded(*shim)) {
    auto directory = PrivateDirectory::create();
    if (!directory) return directory.error();
    return RunFolder{std::move(*directory), *shim};
  }
  auto bytes = read_whole_file(*shim);
  if (!bytes) return bytes.error();
  auto directory = PrivateDirectory::create(kShimName, *bytes);
  if (!directory) return directory.error();
  std::string copy = directory->path() + "/" + kShimName;
  return RunFolder{std::move(*directory), std::move(copy)};
}

SharedMemory memory_for(const Options& options, const Sandbox& sandbox, const std::string& folder) {
  if (!wraps(options)) return {};
  std::string why = "a seccomp filter kills whoever calls it";
  if (!sandbox.kills(Sandbox::Call::Memfd)) {
    auto works = SharedMemory::try_memfd();
    if (works) return {};
    why = std::strerror(works.error().code);
  }
  if (options.verbose > 0)
    complain("memory is shared by a file in " + folder + ", for memfd_create(2) is refused (" +
             why + "): it cannot be sealed, so a program that truncates it ends the tracer");
  return SharedMemory::in_folder(folder);
}

// Everything between the options and the first traced instruction.
class Session {
 public:
  static Result<std::unique_ptr<Session>> prepare(const Options& options, bool standing) {
    auto session = std::unique_ptr<Session>(new Session);
    if (auto enough = check_descriptors(); !enough) return enough.error();
    if (auto proc = check_proc(); !proc) return proc.error();
    const Sandbox sandbox = Sandbox::examine();
    if (auto allowed = sandbox.allows(Sandbox::Call::ForTracing); !allowed) return allowed.error();
    if (auto allowed = sandbox.allows(Sandbox::Call::ForWrapping); wraps(options) && !allowed)
      return allowed.error();
    auto gate = gate_for(options, sandbox);
    if (!gate) return gate.error();
    // Rules first: their functions are in the lists, where nothing says in which rule they stood.
    auto rules = parse_rules(options);
    if (!rules) return rules.error();
    auto lists = parse_lists(options);
    if (!lists) return lists.error();
    session->breaks_ = lists->breaks;
    auto claims = Claims::prepare(options);
    if (!claims) return claims.error();
    session->claims_ = std::move(*claims);
    HostOptions host = host_options(options);
    host.engine_has_verdicts =
        options.engine != EngineChoice::Inproc && options.engine != EngineChoice::Bpf;
    // Which one that is is known when all back ends have said what they want.
    if (options.engine == EngineChoice::Auto) host.engine = "auto";
    host.say = [](const std::string& line) { complain(line); };
    if (ClaimSet* set = session->claims_.set()) host.observers.push_back({&set->callbacks(), set});
    host.run = RunFacts::now();
    if (options.flight.asked && options.backends.size() == 1) host.output_path.clear();
    auto backends = BackendSet::open(options.backends, host);
    if (!backends) return backends.error();
    auto folder = prepare_folder(options);
    if (!folder) return folder.error();
    session->directory_ = std::make_unique<PrivateDirectory>(std::move(folder->directory));

    const std::string socket =
        standing ? options.control_path : session->directory_->path() + "/socket";
    auto plan =
        plan_run(options, *lists, backends->demand(), {*gate, folder->shim_path, socket, standing});
    if (!plan) return plan.error();
    for (const std::string& warning : plan->warnings) complain(warning);
    if (options.verbose > 0) {
      complain(plan->engine);
      if (!plan->bpf) complain(gate->why);
    }
    plan->tables.cache = CacheFolder::of_user();
    plan->tracer.rules = *rules;
    const bool is_controlled = plan->tracer.is_controlled;
    plan->tracer.awaits_watcher = take_watcher_request() && is_controlled;
    if (is_controlled && *rules == nullptr) plan->tracer.rules = std::make_shared<RuleSet>();
    plan->tracer.shared_memory = memory_for(options, sandbox, session->directory_->path());
    session->tables_ =
        std::make_unique<ProgramTables>(std::move(plan->tables), *session->directory_);
    const bool stacks = backends->demand().wants(WC_WANT_STACK);
    session->pipeline_ = std::make_unique<Pipeline>(
        std::move(*backends), plan->decode, lists->syscalls, plan->stacks, event_filter(options),
        Recording{.head = write_run_head(options, host, stacks),
                  .flight = flight_options(options, host)});
    // Who sees the socket may send a signal at once.
    if (standing || !options.pids.empty()) take_signals(SignalMeaning::Stop);
    if (plan->bpf) {
      plan->bpf->say = complain;
      auto engine = make_bpf_engine(std::move(*plan->bpf), *session->pipeline_);
      if (!engine) return engine.error();
      session->engine_ = std::move(*engine);
      return session;
    }
    auto tracer =
        std::make_unique<Tracer>(std::move(plan->tracer), *session->tables_, *session->pipeline_);
    const bool is_asked = standing || wraps(options);
    auto listening =
        session->listen(*tracer, is_controlled ? options.control_path : "", is_asked ? socket : "");
    if (!listening) return listening.error();
    session->follow_ = tracer->follows_forks();
    session->engine_ = std::move(tracer);
    return session;
  }

  // Whether the selection fits the program, before anything of it runs. What is prepared here is
  // used again at its exec.
  Status check_selection(const Target& target) {
    auto value = [](const char* name) {
      const char* text = std::getenv(name);
      return std::string(text != nullptr ? text : "");
    };
    std::string library_path = value("LD_LIBRARY_PATH");
    if (target.loaded && target.loaded->library_path) library_path = *target.loaded->library_path;
    auto image = read_image(target.loaded ? target.loaded->program : target.program, false);
    // What it says of a program that it cannot start, ld.so says itself.
    if (!image && target.loaded) return Done{};
    if (!image) return image.error();
    if (target.loaded) start_through(*target.loaded, target.program, *image);
    auto prepared = tables_->prepare(*image, library_path, value("LD_PRELOAD"), true);
    if (!prepared) return prepared.error();
    for (const std::string& warning : prepared->warnings) complain(warning);
    return Done{};
  }

  // The same for breakpoints.
  Status check_breakpoints(const ObjectFile& program) {
    if (breaks_ == nullptr) return Done{};
    auto image = read_image(program.open_path, false);
    if (!image) return image.error();
    const char* path = std::getenv("LD_LIBRARY_PATH");
    LibraryCache cache;
    return breaks_->check(program, cache.closure(*image, path != nullptr ? path : ""));
  }

  // The same for the functions of a process that runs already.
  Status check_running(pid_t pid) {
    if (breaks_ == nullptr) return Done{};
    std::vector<std::string> warnings;
    auto fits = breaks_->check_running(mapped_objects(pid), warnings);
    for (const std::string& warning : warnings) complain(warning);
    return fits;
  }

  TraceEngine& engine() { return *engine_; }
  [[nodiscard]] Follow follows_forks() const { return follow_; }
  void close() {
    server_.reset();  // hands clients to the other
    control_.reset();
    BackendSet& backends = pipeline_->backends();
    wc::close(*pipeline_);
    for (const std::string& error : backends.take_errors()) complain(error), output_failed_ = true;
    output_failed_ = output_failed_ || engine_->output_failed();
    engine_->remove_copies();
    directory_.reset();
  }
  // `status`, or that of a claim that does not hold.
  int with_claims(int status) { return claims_.finish(status, engine_->was_stopped()); }
  // Where nothing was traced: a backend's empty table says nothing.
  void discard() {
    pipeline_->backends().discard();
    close();
  }
  [[nodiscard]] bool output_failed() const { return output_failed_; }

 private:
  Session() = default;

  // Where a path is empty nobody will ask there. wc-ctl comes to `serve` by its one socket.
  Status listen(Tracer& tracer, const std::string& control, const std::string& socket) {
    const bool is_one = control == socket;
    if (!control.empty()) {
      auto listening =
          is_one ? ControlServer::without_socket(tracer) : ControlServer::listen(control, tracer);
      if (!listening) return listening.error();
      control_ = std::move(*listening);
    }
    if (socket.empty()) return Done{};
    Server::TakeControl take_control;
    if (is_one) take_control = [this](Peer peer) { control_->adopt(std::move(peer)); };
    auto listening = Server::listen(socket, tracer, std::move(take_control));
    if (!listening) return listening.error();
    server_ = std::move(*listening);
    return Done{};
  }

  std::unique_ptr<PrivateDirectory> directory_;
  std::unique_ptr<ProgramTables> tables_;
  std::unique_ptr<Pipeline> pipeline_;
  std::shared_ptr<BreakPlan> breaks_;
  std::unique_ptr<TraceEngine> engine_;
  Follow follow_ = Follow::Children;
  std::unique_ptr<ControlServer> control_;
  std::unique_ptr<Server> server_;  // hands clients to it
  Claims claims_;
  bool output_failed_ = false;
};

int exec_failure(const std::string& path, int code) {
  complain("cannot execute " + path + ": " + std::strerror(code));
  return code == ENOENT ? kNotFound : kCannotExecute;
}

// The tracer is elsewhere: this process asks it, then becomes the program.
int run_connected(const Options& options, const std::string& path, const OwnLimits& limits) {
  if (auto attached = request_attach(options.connect_path); !attached) {
    complain(attached.error().message);
    return kTracerFailed;
  }
  if (options.verbose > 0) complain("the tracer at " + options.connect_path + " takes over");
  std::vector<char*> argv;
  for (const std::string& argument : options.program)
    argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  if (auto given = limits.give_back(0); !given) {
    complain(given.error().message);
    return kTracerFailed;
  }
  execvp(path.c_str(), argv.data());
  return exec_failure(path, errno);
}

}  // namespace

void complain(const std::string& message) {
  dprintf(stream_for_messages(), "wc-preload: %s\n", message.c_str());
}

int print(const std::string& text) {
  if (std::fputs(text.c_str(), stdout) >= 0 && std::fflush(stdout) == 0) return 0;
  complain("cannot write to standard output: " + std::string(std::strerror(errno)));
  return kTracerFailed;
}

// A program that is traced no more runs on; its status is waited for as it would be by itself.
static int wait_for(pid_t pid) {
  int status = 0;
  while (waitpid(pid, &status, 0) < 0)
    if (errno != EINTR) return 0;  // it has ended before, and nobody knows how
  return status;
}

namespace {

FirstStop first_stop(const Options& options) {
  if (options.engine == EngineChoice::Bpf) return FirstStop::None;
  return options.scope == ScopeMode::Process ? FirstStop::BeforeExec : FirstStop::Exec;
}

// The program stands before its exec.
Result<StartedProgram> start(Session& session, const Options& options, const Target& target,
                             const OwnLimits& limits, const Identity& identity) {
  if (auto prepared = session.engine().prepare(target.program); !prepared) return prepared.error();
  return start_program(target.path, options.program, session.follows_forks(), first_stop(options),
                       limits, identity);
}

Result<int> run_program(TraceEngine& engine, StartedProgram& started) {
  auto added = engine.add_first(started.pid);
  if (!added) {
    kill(started.pid, SIGKILL);
    (void)wait_for(started.pid);
    return added.error();
  }
  started.go.reset();
  return engine.run();
}

}  // namespace

int run(const Options& options, const OwnLimits& limits) {
  Target target = inspect_command(options.program, wraps(options) ? Purpose::Wrap : Purpose::Trace);
  if (!target.refusal.message.empty()) {
    complain(target.refusal.message);
    return target.refusal.status;
  }
  if (!options.connect_path.empty()) return run_connected(options, target.path, limits);
  auto identity = Identity::of_user(options.user);
  if (!identity) {
    complain(identity.error().message);
    return kTracerFailed;
  }
  auto session = Session::prepare(options, false);
  if (!session) {
    complain(session.error().message);
    return kTracerFailed;
  }
  if (wraps(options) && !target.program.empty()) {
    if (auto fits = (*session)->check_selection(target); !fits) {
      complain(fits.error().message);
      return kTracerFailed;
    }
  }
  if (!target.program.empty()) {
    if (auto fits = (*session)->check_breakpoints({target.program, target.program, true}); !fits) {
      complain(fits.error().message);
      return kTracerFailed;
    }
  }
  TraceEngine& engine = (*session)->engine();
  auto started = start(**session, options, target, limits, *identity);
  if (!started) {
    complain(started.error().message);
    (*session)->discard();
    return kTracerFailed;
  }
  leave_standard_output_to_the_program();
  take_signals(SignalMeaning::Forward);
  auto status = run_program(engine, *started);
  (*session)->close();
  if (engine.was_stopped()) status = wait_for(started->pid);
  int code = 0;
  if (read(started->exec_error.get(), &code, sizeof code) == sizeof code)
    return exec_failure(target.path, code);
  if (!status) {
    complain(status.error().message);
    return kTracerFailed;
  }
  // A claim is about a program that did its work: its own failure says more.
  const bool has_failed = *status != 0 || (*session)->output_failed();
  const int claims = (*session)->with_claims(has_failed ? kTracerFailed : 0);
  if ((*session)->output_failed()) return kTracerFailed;
  if (!has_failed && claims != 0) return claims;
  end_like(*status);
}

namespace {

// Whether all that is to be attached to can be, and has what was selected, before anything is done
// to one of them.
Status check_all_running(Session& session, const std::vector<int>& pids) {
  for (const pid_t pid : pids) {
    if (auto fits =
            session.check_breakpoints({proc::exe_path(pid), proc::path_of(pid, "exe"), true});
        !fits)
      return fits;
    if (auto fits = session.check_running(pid); !fits) return fits;
  }
  return Done{};
}

void say_attached(pid_t pid) {
  const size_t threads = proc::threads_of(pid).size();
  complain("Process " + std::to_string(pid) + " attached" +
           (threads > 1 ? " with " + std::to_string(threads) + " threads" : ""));
}

void say_detached(const std::vector<int>& pids) {
  for (const pid_t pid : pids) {
    auto status = proc::read_status(pid);
    if (status && !status->is_zombie()) complain("Process " + std::to_string(pid) + " detached");
  }
}

}  // namespace

// Processes that run already; they are left when a signal says so.
int attach(const Options& options) {
  auto fail = [](const Error& error) {
    complain(error.message);
    return kTracerFailed;
  };
  for (const pid_t pid : options.pids)
    if (auto fits = inspect_running(pid); !fits) return fail(fits.error());
  auto session = Session::prepare(options, false);
  if (!session) return fail(session.error());
  if (auto fits = check_all_running(**session, options.pids); !fits) {
    (*session)->discard();
    return fail(fits.error());
  }
  const bool is_quiet = (options.quiet & kQuietAttach) != 0;
  TraceEngine& engine = (*session)->engine();
  for (const pid_t pid : options.pids) {
    if (auto attached = engine.attach(pid); !attached) {
      (*session)->discard();
      return fail(attach_error(pid, attached.error().code));
    }
    if (!is_quiet) say_attached(pid);
  }
  auto status = engine.run();
  (*session)->close();
  if (!is_quiet) say_detached(options.pids);
  return (*session)->with_claims(status && !(*session)->output_failed() ? 0 : kTracerFailed);
}

int serve(const Options& options) {
  auto session = Session::prepare(options, true);
  if (!session) {
    complain(session.error().message);
    return kTracerFailed;
  }
  auto status = (*session)->engine().run();
  (*session)->close();
  return (*session)->with_claims(status && !(*session)->output_failed() ? 0 : kTracerFailed);
}

}  // namespace wc
