// Backend "sqlite": a run as a database (docs/sqlite.md). Events become rows here; a thread of its
// own writes them (sqlite_writer.h).
#include <sys/wait.h>

#include <map>
#include <span>
#include <string>
#include <unordered_map>

#include "builtin.h"
#include "escape.h"
#include "forward.h"
#include "frames.h"
#include "json_run.h"
#include "json_writer.h"
#include "sink.h"
#include "sqlite_writer.h"
#include "text_words.h"
#include "units.h"

namespace wc::backends {

namespace {

constexpr size_t kBatch = size_t{1} << 20;       // bytes; what is larger does not wait for a flush
constexpr size_t kMostPlaces = size_t{1} << 18;  // a program can make up callers

class SqliteBackend {
 public:
  SqliteBackend(const wc_host& host, std::unique_ptr<SqliteWriter> writer, bool has_args)
      : sink_(host), writer_(std::move(writer)), has_args_(has_args) {
    begin_run();
  }

  void call(const wc_call& event);
  void syscall_exit(const wc_syscall& event);
  void ret(const wc_return& event);
  void process(const wc_process& event);
  void object(const wc_object& event);
  void lost(const wc_lost& event);
  void flush();
  void close();

 private:
  struct Thread {
    uint64_t id = 0;
    int32_t pid = 0;
  };
  // A call is written when it returns, which saves an update; one that is open when a batch goes,
  // with that: what refers to it must find it, also in a file that ends there.
  struct Call {
    int32_t pid = 0;
    uint32_t depth = 0, weight = 1;
    uint64_t ts = 0, thread = 0, parent = 0, function = 0, place = 0;
    std::string args;
    bool is_written = false;
  };

  void begin_run();
  void write(uint64_t id, const Call& call, const wc_return* back);
  void end_event() {
    if (batch_.bytes() >= kBatch) flush();
  }
  uint64_t process_id(int32_t pid, uint64_t ts, uint64_t parent = 0, std::string_view program = {});
  uint64_t thread_id(int32_t pid, int32_t tid, uint64_t ts);
  uint64_t function_id(const wc_call& event);
  uint64_t place_id(const wc_caller& at);
  void args(const wc_arg* args, uint32_t count, uint64_t call, uint64_t syscall);
  void stack(const wc_stack_frame* frames, uint32_t count, uint64_t call, uint64_t syscall,
             uint64_t signal);
  void fork(const wc_process& event);
  void exit(const wc_process& event);

  Sink sink_;
  std::unique_ptr<SqliteWriter> writer_;
  bool has_args_;
  SqlBatch batch_;
  std::unordered_map<int32_t, uint64_t> processes_;
  std::unordered_map<int32_t, std::string> programs_;
  std::unordered_map<int32_t, Thread> threads_;
  std::unordered_map<std::string, uint64_t> functions_, places_;
  std::unordered_map<std::string, uint64_t> objects_;  // loaded ones, by process, base and path
  std::map<uint64_t, Call> calls_;                     // open ones
  uint64_t next_process_ = 1, next_thread_ = 1, next_syscall_ = 1, next_object_ = 1,
           next_signal_ = 1;
  std::string key_, text_;  // scratch
};

void SqliteBackend::begin_run() {
  const wc_host& host = sink_.host();
  const RunFacts facts = run_facts(host);
  batch_.row(SqlStatement::Run);
  batch_.text(host.version);
  std::string argv;
  if (host.argv != nullptr) {
    JsonWriter json(argv);
    json.begin_array();
    for (const char* const* word = host.argv; *word != nullptr; ++word) json.string(*word);
    json.end_array();
  }
  batch_.text(argv);
  batch_.text(facts.time);
  batch_.integer(facts.realtime_offset);
  batch_.text(facts.host);
  batch_.text(facts.kernel);
  batch_.text(host.engine);
}

uint64_t SqliteBackend::process_id(int32_t pid, uint64_t ts, uint64_t parent,
                                   std::string_view program) {
  const auto [found, is_new] = processes_.try_emplace(pid, next_process_);
  if (!is_new) return found->second;
  ++next_process_;
  batch_.row(SqlStatement::Process);
  batch_.integer(found->second);
  batch_.integer(pid);
  batch_.integer_or_null(parent);
  program.empty() ? batch_.null() : batch_.text(program);
  batch_.integer(ts);
  return found->second;
}

uint64_t SqliteBackend::thread_id(int32_t pid, int32_t tid, uint64_t ts) {
  const auto [found, is_new] = threads_.try_emplace(tid, Thread{next_thread_, pid});
  if (!is_new && found->second.pid == pid) return found->second.id;
  const uint64_t process = process_id(pid, ts);
  found->second = {next_thread_++, pid};
  batch_.row(SqlStatement::Thread);
  batch_.integer(found->second.id);
  batch_.integer(process);
  batch_.integer(tid);
  batch_.integer(ts);
  return found->second.id;
}

uint64_t SqliteBackend::function_id(const wc_call& event) {
  static constexpr std::string_view kKinds[] = {"wrapped", "breakpoint", "scope"};
  key_.assign(1, static_cast<char>('0' + event.kind)) += view(event.function);
  (key_ += '\n') += view(event.library);
  const auto [found, is_new] = functions_.try_emplace(key_, functions_.size() + 1);
  if (!is_new) return found->second;
  batch_.row(SqlStatement::Function);
  batch_.integer(found->second);
  batch_.text(view(event.function));
  batch_.text(event.library);
  batch_.text(event.kind < std::size(kKinds) ? kKinds[event.kind] : "other");
  return found->second;
}

// 0: nothing is known, or there are too many.
uint64_t SqliteBackend::place_id(const wc_caller& at) {
  if (at.address == 0 && at.symbol == nullptr && at.object == nullptr) return 0;
  text_.clear();
  append_place(text_, at);
  ((key_ = text_) += '\n') += view(at.object);
  ((key_ += '\n') += view(at.file)) += '\n' + std::to_string(at.offset);
  const auto known = places_.find(key_);
  if (known != places_.end()) return known->second;
  if (places_.size() >= kMostPlaces) return 0;
  const uint64_t id = places_.emplace(key_, places_.size() + 1).first->second;
  batch_.row(SqlStatement::Place);
  batch_.integer(id);
  batch_.text(text_);
  batch_.text(at.object);
  batch_.text(at.symbol);
  batch_.integer(at.offset);
  batch_.text(at.file);
  batch_.integer_or_null(at.line);
  return id;
}

void SqliteBackend::args(const wc_arg* args, uint32_t count, uint64_t call, uint64_t syscall) {
  if (!has_args_ || args == nullptr) return;
  uint32_t position = 0;
  for (const wc_arg& arg : std::span(args, count)) {
    batch_.row(SqlStatement::Arg);
    batch_.integer_or_null(call);
    batch_.integer_or_null(syscall);
    batch_.integer(position++);
    if (arg.type == WC_ARG_UNKNOWN)
      batch_.null();
    else if (arg.type == WC_ARG_DOUBLE)
      batch_.real(std::bit_cast<double>(arg.value));
    else
      batch_.integer(arg.value);
    const bool has_text = arg.type == WC_ARG_STRING && arg.text != nullptr;
    has_text ? batch_.text(std::string_view(arg.text, arg.length)) : batch_.null();
  }
}

void SqliteBackend::stack(const wc_stack_frame* frames, uint32_t count, uint64_t call,
                          uint64_t syscall, uint64_t signal) {
  if (sink_.host().stack_trace == 0) return;
  for (uint32_t level = 0; level < count; ++level) {
    const uint64_t place = place_id(frames[level].at);
    batch_.row(SqlStatement::Stack);
    batch_.integer_or_null(call);
    batch_.integer_or_null(syscall);
    batch_.integer_or_null(signal);
    batch_.integer(level);
    batch_.integer_or_null(place);
  }
}

void SqliteBackend::call(const wc_call& event) {
  const uint64_t thread = thread_id(event.pid, event.tid, event.ts);
  const uint64_t function = function_id(event), place = place_id(event.caller);
  const uint64_t parent = calls_.contains(event.parent) ? event.parent : 0;
  calls_[event.id] = {
      event.pid, event.depth, std::max<uint32_t>(event.weight, 1), event.ts, thread, parent,
      function,  place,       std::string(view(event.args_text)),  false};
  args(event.args, event.nargs, event.id, 0);
  stack(event.frames, event.frame_count, event.id, 0, 0);
  end_event();
}

void SqliteBackend::syscall_exit(const wc_syscall& event) {
  const uint64_t thread = thread_id(event.pid, event.tid, event.ts);
  const auto call = calls_.find(event.call);
  const bool has_call = event.call != 0 && call != calls_.end();
  const bool has_result = (event.flags & WC_SYSCALL_NO_RESULT) == 0;
  const uint64_t id = next_syscall_++;
  text_.assign(view(event.name)) += '(';
  (text_ += view(event.args_text)) += ") = ";
  text_ += has_result ? view(event.ret_text) : "?";
  append_tampering(text_, event.flags);
  batch_.row(SqlStatement::Syscall);
  batch_.integer(id);
  batch_.integer(event.ts);
  batch_.integer(event.dur);
  batch_.integer(thread);
  batch_.integer_or_null(has_call ? event.call : 0);
  batch_.integer_or_null(has_call ? call->second.function : 0);
  batch_.text(view(event.name));
  batch_.integer(event.nr);
  has_result ? batch_.integer(event.ret) : batch_.null();
  if (event.error != 0 && event.error_name == nullptr)
    batch_.text("errno " + std::to_string(event.error));
  else
    batch_.text(event.error_name);
  batch_.text(text_);
  batch_.text(event.path);
  batch_.text(event.fd_path);
  batch_.text(event.injected);
  batch_.integer((event.flags & WC_SYSCALL_IN_SIGNAL) != 0 ? 1 : 0);
  args(event.args, event.nargs, 0, id);
  stack(event.frames, event.frame_count, 0, id, 0);
  end_event();
}

// `back`: how it ended; null: it is open.
void SqliteBackend::write(uint64_t id, const Call& call, const wc_return* back) {
  batch_.row(SqlStatement::Call);
  batch_.integer(id);
  batch_.integer(call.ts);
  back != nullptr ? batch_.integer(back->dur) : batch_.null();
  batch_.integer(call.thread);
  batch_.integer_or_null(call.parent);
  batch_.integer(call.depth);
  batch_.integer(call.function);
  batch_.integer_or_null(call.place);
  batch_.text(call.args);
  batch_.text(back != nullptr ? back->ret_text : nullptr);
  if (back != nullptr)
    batch_.integer((back->flags & WC_RETURN_UNWOUND) != 0 ? 1 : 0);
  else
    batch_.null();
  batch_.integer(call.weight);
}

void SqliteBackend::ret(const wc_return& event) {
  const auto found = calls_.find(event.call);
  if (found == calls_.end()) return;
  if (found->second.is_written) {
    batch_.row(SqlStatement::CallEnd);
    batch_.integer(event.dur);
    batch_.text(event.ret_text);
    batch_.integer((event.flags & WC_RETURN_UNWOUND) != 0 ? 1 : 0);
    batch_.integer(event.call);
  } else {
    write(event.call, found->second, &event);
  }
  calls_.erase(found);
  end_event();
}

void SqliteBackend::flush() {
  for (auto& [id, call] : calls_) {
    if (!std::exchange(call.is_written, true)) write(id, call, nullptr);
  }
  writer_->add(std::move(batch_));
  batch_ = {};
}

void SqliteBackend::fork(const wc_process& event) {
  if (event.thread != 0) {
    thread_id(event.pid, event.child, event.ts);
    return;
  }
  const uint64_t parent = process_id(event.pid, event.ts);
  std::string program = programs_[event.pid];
  process_id(event.child, event.ts, parent, program);
  programs_[event.child] = std::move(program);
}

void SqliteBackend::exit(const wc_process& event) {
  if (const auto thread = threads_.find(event.tid); thread != threads_.end()) {
    batch_.row(SqlStatement::ThreadEnd);
    batch_.integer(event.ts);
    batch_.integer(thread->second.id);
    threads_.erase(thread);
  }
  if (event.thread != 0) return;
  const uint64_t process = process_id(event.pid, event.ts);
  batch_.row(SqlStatement::ProcessEnd);
  batch_.integer(event.ts);
  WIFEXITED(event.status) ? batch_.integer(WEXITSTATUS(event.status)) : batch_.null();
  WIFSIGNALED(event.status) ? batch_.integer(WTERMSIG(event.status)) : batch_.null();
  batch_.integer(process);
  processes_.erase(event.pid);
  programs_.erase(event.pid);
  for (const auto& [id, call] : calls_)
    if (call.pid == event.pid && !call.is_written) write(id, call, nullptr);
  std::erase_if(calls_, [&](const auto& one) { return one.second.pid == event.pid; });
  std::erase_if(threads_, [&](const auto& one) { return one.second.pid == event.pid; });
}

void SqliteBackend::process(const wc_process& event) {
  switch (event.event) {
    case WC_PROCESS_START:
    case WC_PROCESS_EXEC: {
      const uint64_t id = process_id(event.pid, event.ts);
      programs_[event.pid] = view(event.path);
      batch_.row(SqlStatement::ProcessProgram);
      batch_.text(event.path);
      batch_.integer(id);
      break;
    }
    case WC_PROCESS_FORK:
      fork(event);
      break;
    case WC_PROCESS_EXIT:
      exit(event);
      break;
    case WC_PROCESS_SIGNAL: {
      if (event.quiet != 0) break;
      const uint64_t thread = thread_id(event.pid, event.tid, event.ts), id = next_signal_++;
      batch_.row(SqlStatement::Signal);
      batch_.integer(id);
      batch_.integer(event.ts);
      batch_.integer(thread);
      batch_.integer(event.signal);
      batch_.text(event.text);
      stack(event.frames, event.frame_count, 0, 0, id);
      break;
    }
    default:
      break;
  }
  end_event();
}

void SqliteBackend::object(const wc_object& event) {
  const uint64_t process = process_id(event.pid, event.ts);
  key_ = std::to_string(process) + ' ' + std::to_string(event.base) + ' ';
  key_ += view(event.path);
  if (event.event == WC_OBJECT_UNLOAD) {
    const auto known = objects_.find(key_);
    if (known == objects_.end()) return;
    batch_.row(SqlStatement::ObjectEnd);
    batch_.integer(event.ts);
    batch_.integer(known->second);
    objects_.erase(known);
    return;
  }
  const uint64_t id = objects_[key_] = next_object_++;
  batch_.row(SqlStatement::Object);
  batch_.integer(id);
  batch_.integer(process);
  batch_.text(event.path);
  batch_.integer(event.base);
  batch_.text(event.how);
  batch_.text(event.by);
  batch_.text(event.build_id);
  batch_.integer(event.ts);
  batch_.integer_or_null(event.dur);
  end_event();
}

void SqliteBackend::lost(const wc_lost& event) {
  const uint64_t process = process_id(event.pid, event.ts);
  batch_.row(SqlStatement::Lost);
  batch_.integer(event.ts);
  batch_.integer(process);
  batch_.integer(event.count);
}

void SqliteBackend::close() {
  const wc_host& host = sink_.host();
  flush();
  const uint64_t waits = writer_->waits(), waited_ns = writer_->waited_ns();
  batch_.row(SqlStatement::RunEnd);
  batch_.integer(waits);
  batch_.integer(waited_ns);
  flush();
  const std::string error = writer_->finish();
  if (host.say == nullptr) return;
  if (!error.empty()) return host.say(host.handle, error.c_str(), 1);
  if (waits == 0) return;
  const std::string waited = "the tracer waited " + std::to_string(waits) + " times, " +
                             short_duration(waited_ns) + " in all, for the writing of the file";
  host.say(host.handle, waited.c_str(), 0);
}

int open_sqlite(void** context, const wc_host* host, char* error, size_t size) {
  const Sink sink(*host);
  const std::string_view args = sink.option("args");
  if (!args.empty() && args != "on" && args != "off")
    return open_error(error, size, "option 'args' takes on or off");
  if (sink.option("output").empty() || host->output == nullptr)
    return open_error(error, size, "needs a file of its own: sqlite:output=FILE");
  std::string message;
  auto writer = SqliteWriter::open(host->output, message);
  if (writer == nullptr) return open_error(error, size, message);
  *context = new SqliteBackend(*host, std::move(writer), args != "off");
  return 0;
}

SqliteBackend& self(void* context) { return *static_cast<SqliteBackend*>(context); }

}  // namespace

const wc_backend* sqlite_backend() {
  static constexpr wc_backend kSqlite = {
      .abi = WC_BACKEND_ABI,
      .struct_size = sizeof(wc_backend),
      .name = "sqlite",
      .wants =
          WC_WANT_TEXT | WC_WANT_CALLER | WC_WANT_CALL_TIME | WC_WANT_SYSCALL_TIME | WC_WANT_PATHS,
      .options = "args",
      .open = open_sqlite,
      .call = forward<&SqliteBackend::call>,
      .syscall_exit = forward<&SqliteBackend::syscall_exit>,
      .ret = forward<&SqliteBackend::ret>,
      .process = forward<&SqliteBackend::process>,
      .object = forward<&SqliteBackend::object>,
      .lost = forward<&SqliteBackend::lost>,
      .flush = [](void* context, uint64_t) { self(context).flush(); },
      .close = close_and_delete<SqliteBackend>,
  };
  return &kSqlite;
}

}  // namespace wc::backends
