#include "backend_host/backend_instance.h"

#include <dlfcn.h>
#include <fmt/format.h>
#include <sys/utsname.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <utility>

#include "builtin.h"

namespace wc {

namespace {

constexpr uint32_t kKnownWants = WC_WANT_TEXT | WC_WANT_CALLER | WC_WANT_CALL_TIME |
                                 WC_WANT_COUNTS | WC_WANT_ALL_CALLS | WC_WANT_ENTER |
                                 WC_WANT_VERDICTS | WC_WANT_STACK | WC_WANT_SYSCALL_TIME |
                                 WC_WANT_PATHS | WC_WANT_PHASES | WC_WANT_RAW;
// A table that ends before its first callback is none.
constexpr size_t kSmallestTable = offsetof(wc_backend, open) + sizeof(wc_backend::open);

const char* text_or(const char* text, const char* otherwise) {
  return text != nullptr ? text : otherwise;
}

void write_to_output(void* handle, const char* data, size_t size) {
  static_cast<BackendInstance*>(handle)->output().write({data, size});
}

void want_more(void* handle, uint32_t wants) { static_cast<BackendInstance*>(handle)->want(wants); }

void say_line(void* handle, const char* line, int is_error) {
  static_cast<BackendInstance*>(handle)->say(line, is_error != 0);
}

void retire_backend(void* handle, const char* line) {
  static_cast<BackendInstance*>(handle)->retire(line);
}

const char* look_up_option(void* handle, const char* key) {
  const std::string* value = static_cast<BackendInstance*>(handle)->option(key);
  return value != nullptr ? value->c_str() : nullptr;
}

// What the command line asks for on behalf of a backend that shows single calls.
uint32_t wants_from_options(const wc_backend& backend, const HostOptions& options) {
  uint32_t wants = 0;
  // A backend that counts gets the calls without syscalls as totals, which cost less.
  const bool shows_calls = backend.call != nullptr && (backend.wants & WC_WANT_COUNTS) == 0;
  if (options.all_calls && shows_calls) wants |= WC_WANT_ALL_CALLS;
  const bool shows_times = options.show_duration || options.time_format != 0;
  if (shows_times && (backend.wants & WC_WANT_TEXT) != 0) wants |= WC_WANT_CALL_TIME;
  if (options.show_duration && (backend.wants & WC_WANT_TEXT) != 0) wants |= WC_WANT_SYSCALL_TIME;
  // Where syscalls of several threads overlap, their lines are shown as strace does, begin and end.
  const bool shows_text = (backend.wants & WC_WANT_TEXT) != 0;
  if (options.whole_process && !options.leaves_out_syscalls && shows_text &&
      backend.syscall_enter != nullptr)
    wants |= WC_WANT_ENTER;
  if (options.stack_trace && (backend.wants & WC_WANT_CALLER) != 0) wants |= WC_WANT_STACK;
  return wants;
}

// https://no-color.org: set and not empty. A terminal without a cursor has no colours either.
bool shows_colors(const Output& output) {
  const std::string_view forbids = text_or(std::getenv("NO_COLOR"), "");
  const std::string_view terminal = text_or(std::getenv("TERM"), "dumb");
  return output.is_terminal() && forbids.empty() && terminal != "dumb";
}

// `message`: what the backend has written there, or nothing.
Error refusal(const std::string& name, std::array<char, 512>& message) {
  message.back() = '\0';
  return Error{fmt::format("backend '{}': {}", name,
                           message[0] != '\0' ? message.data() : "it could not start")};
}

}  // namespace

void BackendInstance::CloseLibrary::operator()(void* library) const { ::dlclose(library); }

BackendInstance::BackendInstance(BackendSpec spec, const HostOptions& options)
    : spec_(std::move(spec)),
      version_(options.version),
      arguments_(options.argv),
      functions_(options.functions),
      breakpoints_(options.breakpoints),
      machine_(options.run.machine),
      kernel_(options.run.kernel),
      engine_(options.engine),
      run_{options.run.began, 0, options.run.realtime_offset, machine_.c_str(), kernel_.c_str()},
      say_(options.say),
      colored_(options.colored),
      has_phases_(options.whole_process) {
  host_ = {.abi = WC_BACKEND_ABI,
           .struct_size = sizeof(wc_host),
           .handle = this,
           .write = write_to_output,
           .option = look_up_option,
           .string_size = options.string_size,
           .time_format = options.time_format,
           .show_duration = options.show_duration ? 1U : 0U,
           .all_calls = options.all_calls ? 1U : 0U,
           .stack_trace = options.stack_trace ? 1U : 0U,
           .want = want_more,
           .one_process = options.separately || options.only_process != 0 ? 1U : 0U};
  host_.version = version_.c_str();
  for (const std::string& argument : arguments_) argv_.push_back(argument.c_str());
  argv_.push_back(nullptr);
  if (!arguments_.empty()) host_.argv = argv_.data();
  host_.run = &run_;
  if (!functions_.empty()) host_.functions = functions_.c_str();
  if (!breakpoints_.empty()) host_.breakpoints = breakpoints_.c_str();
  host_.engine = engine_.c_str();
  host_.say = say_line;
  for (const auto& [key, value] : spec_.options) option_names_.push_back(key.c_str());
  option_names_.push_back(nullptr);
  host_.option_names = option_names_.data();
  host_.retire = retire_backend;
}

RunFacts RunFacts::now() {
  const auto time_of = [](clockid_t clock) {
    timespec at{};
    clock_gettime(clock, &at);
    return at.tv_sec * int64_t{1'000'000'000} + at.tv_nsec;
  };
  RunFacts facts;
  const int64_t monotonic = time_of(CLOCK_MONOTONIC);
  facts.began = static_cast<uint64_t>(monotonic);
  facts.realtime_offset = time_of(CLOCK_REALTIME) - monotonic;
  utsname machine{};
  if (uname(&machine) == 0) facts.machine = machine.nodename, facts.kernel = machine.release;
  return facts;
}

BackendInstance::~BackendInstance() { close(); }

Result<std::unique_ptr<BackendInstance>> BackendInstance::load(BackendSpec spec,
                                                               const HostOptions& options) {
  std::unique_ptr<BackendInstance> backend(new BackendInstance(std::move(spec), options));
  if (backend->spec_.is_path()) {
    if (Status status = backend->load_library(); !status) return status.error();
  } else {
    const wc_backend* builtin = backends::find_builtin(backend->name());
    if (builtin == nullptr) return unknown_backend(backend->spec_);
    backend->callbacks_ = *builtin;
  }
  if (Status status = backend->prepare(); !status) return status.error();
  if (Status status = backend->check(options); !status) return status.error();
  backend->wants_ = backend->callbacks_.wants | wants_from_options(backend->callbacks_, options);
  return backend;
}

Status BackendInstance::load_library() {
  if (!attempt("its constructors",
               [&] { library_.reset(::dlopen(spec_.name.c_str(), RTLD_NOW | RTLD_LOCAL)); }))
    return Error{take_crash()};
  if (!library_) {
    return Error{fmt::format("cannot load backend '{}': {}", name(),
                             text_or(::dlerror(), "unknown reason"))};
  }
  void* symbol = ::dlsym(library_.get(), WC_BACKEND_SYMBOL);
  if (symbol == nullptr) {
    return Error{
        fmt::format("'{}' is no backend: it does not export " WC_BACKEND_SYMBOL "()", name())};
  }
  const wc_backend* table = nullptr;
  if (!attempt(WC_BACKEND_SYMBOL, [&] { table = reinterpret_cast<wc_backend_function>(symbol)(); }))
    return Error{take_crash()};
  return take_callbacks(table);
}

// A backend built against an older header knows fewer callbacks: the rest stays NULL.
Status BackendInstance::take_callbacks(const wc_backend* table) {
  if (table == nullptr) {
    return Error{fmt::format("backend '{}': " WC_BACKEND_SYMBOL "() returned nothing", name())};
  }
  if (table->abi != WC_BACKEND_ABI) {
    return Error{fmt::format(
        "backend '{}' is built for backend ABI {}, this tracer has {}: build it again with this "
        "version's wc_backend.h",
        name(), table->abi, WC_BACKEND_ABI)};
  }
  if (table->struct_size < kSmallestTable) {
    return Error{
        fmt::format("backend '{}' says that its wc_backend has {} bytes, at least {} are "
                    "needed: set struct_size = sizeof(struct wc_backend)",
                    name(), table->struct_size, kSmallestTable)};
  }
  std::memcpy(&callbacks_, table, std::min<size_t>(table->struct_size, sizeof callbacks_));
  return Done{};
}

Status BackendInstance::prepare() {
  const auto function = callbacks_.prepare;
  if (function == nullptr) return Done{};
  std::array<char, 512> message{};
  int failed = 0;
  if (!attempt("prepare", [&] {
        failed = function(&context_, &host_, &callbacks_, message.data(), message.size());
      }))
    return Error{take_crash()};
  if (failed != 0) return refusal(name(), message);
  is_prepared_ = true;
  return Done{};
}

Status BackendInstance::check(const HostOptions& options) const {
  if ((callbacks_.wants & ~kKnownWants) != 0) {
    return Error{
        fmt::format("backend '{}' asks for something that this tracer does not offer "
                    "(wants {:#x}): it needs a newer one",
                    name(), callbacks_.wants & ~kKnownWants)};
  }
  if ((callbacks_.wants & WC_WANT_VERDICTS) != 0 && !options.engine_has_verdicts) {
    return Error{
        fmt::format("backend '{}' wants to decide over syscalls, which engine {} cannot do: use "
                    "-E ptrace",
                    name(), options.engine)};
  }
  constexpr uint32_t kBefore = WC_WANT_ENTER | WC_WANT_VERDICTS;
  if (options.leaves_out_syscalls && (callbacks_.wants & kBefore) != 0) {
    return Error{
        fmt::format("backend '{}' wants to see system calls before they happen, when nobody knows "
                    "how they will end: it goes without -z, -Z, --status and -P",
                    name())};
  }
  return check_backend_options(spec_, text_or(callbacks_.options, ""));
}

// What this tracer does not know, cannot honour, or has not in this scope is not given.
void BackendInstance::want(uint32_t wants) {
  uint32_t given = kKnownWants & ~uint32_t{WC_WANT_VERDICTS};
  if (!has_phases_) given &= ~uint32_t{WC_WANT_PHASES};
  if (!is_open_) wants_ |= wants & given;
}

Status BackendInstance::open(std::shared_ptr<Output> output) {
  output_ = std::move(output);
  host_.is_terminal = output_->is_terminal() ? 1U : 0U;
  output_path_ = output_->path();
  if (!output_path_.empty()) host_.output = output_path_.c_str();
  host_.color = colored_.value_or(shows_colors(*output_)) ? 1U : 0U;
  update_width();
  is_prepared_ = false;  // what open() refuses it does not close
  if (callbacks_.open != nullptr) {
    std::array<char, 512> message{};
    int failed = 0;
    if (!attempt("open", [&] {
          failed = callbacks_.open(&context_, &host_, message.data(), message.size());
        }))
      return Error{take_crash()};
    if (failed != 0) return refusal(name(), message);
  }
  is_open_ = true;
  return Done{};
}

void BackendInstance::close(uint64_t ended) {
  run_.ended = ended;
  const bool is_begun = is_open_ || is_prepared_;
  is_open_ = is_prepared_ = false;
  if (!is_begun || callbacks_.close == nullptr) return;
  attempt("close", [&] { callbacks_.close(context_); });
}

// Its library stays where it is: threads of its own may run in there.
void BackendInstance::give_up(const char* callback, const CrashReason& reason) {
  crash_ = fmt::format("backend {} crashed in {} ({})", name(), callback, reason.text);
  callbacks_ = {};
  wants_ = 0;
  is_open_ = is_prepared_ = false;
  (void)library_.release();
}

void BackendInstance::retire(const char* line) {
  say(line, true);
  callbacks_ = {.close = callbacks_.close};
  wants_ = 0;
  has_retired_ = true;
}

// An error stands beside those of outputs, which are told at the end.
void BackendInstance::say(const char* line, bool is_error) {
  const std::string text = fmt::format("backend {}: {}", name(), line);
  if (is_error && crash_.empty()) crash_ = text;
  if (!is_error && say_ != nullptr) say_(text);
}

const std::string* BackendInstance::option(std::string_view key) const {
  const auto found = spec_.options.find(key);
  return found != spec_.options.end() ? &found->second : nullptr;
}

}  // namespace wc
