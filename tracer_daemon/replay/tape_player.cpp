#include "replay/tape_player.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

namespace wc {
namespace {

constexpr uint8_t kOtherThread = 0x80;

TypedValue typed(const TapedValue& taped) {
  TypedValue value;
  value.shown.text = taped.text;
  value.shown.data = taped.data;
  value.shown.is_string = (taped.flags & 1) != 0;
  value.shown.is_open = (taped.flags & 2) != 0;
  value.kind = static_cast<ValueKind>(std::min<uint8_t>(taped.kind, 5));
  value.word = taped.word;
  return value;
}

// As they stand in the ring.
std::string packed(const std::vector<TapedRecord::Capture>& captures) {
  std::string bytes;
  for (const TapedRecord::Capture& one : captures) {
    const auto size = static_cast<uint32_t>(one.bytes.size());
    const wc_captured head{one.address, size, size};
    bytes.append(reinterpret_cast<const char*>(&head), sizeof head);
    bytes += one.bytes;
  }
  return bytes;
}

std::span<const unsigned char> bytes_of(const std::string& text) {
  return {reinterpret_cast<const unsigned char*>(text.data()), text.size()};
}

// As the unwinder names them.
Stack read_frames(TapeReader& reader, int32_t pid, Pipeline& pipeline) {
  std::vector<TapedFrame> taped;
  reader.list(taped,
              [&](TapedFrame& one, uint64_t count) { one.fields(reader, count - taped.size()); });
  Stack stack;
  if (taped.size() > 2 * kMaxStackDepth) taped.resize(2 * kMaxStackDepth);
  for (TapedFrame& one : taped) {
    StackFrame& frame = stack.emplace_back();
    frame.ip = one.ip;
    frame.sp = one.sp;
    frame.end = one.end;
    frame.is_hidden = (one.flags & TapedFrame::kHidden) != 0;
    frame.is_exact = (one.flags & TapedFrame::kExact) != 0;
    if ((one.flags & TapedFrame::kNamed) != 0) {
      frame.at.symbol = std::move(one.symbol);
      frame.at.file = std::move(one.file);
      frame.at.line = one.line;
      continue;
    }
    if (frame.is_hidden) continue;
    frame.at = pipeline.symbols().locate(pid, one.ip + (frame.is_exact ? 1 : 0));
    if (frame.is_exact) frame.at.offset--, frame.at.file_offset--;
  }
  return stack;
}

}  // namespace

// ---- Answers

TapePlayer::TapePlayer(std::string sysroot) : code_(std::move(sysroot)) {
  proc::answer_links(this);
}
TapePlayer::~TapePlayer() { proc::answer_links(nullptr); }

uint64_t TapePlayer::moment() {
  return next_moment_ < moments_.size() ? moments_[next_moment_++] : last_time_;
}

std::shared_ptr<const Stack> TapePlayer::stack() {
  return next_stack_ < stacks_.size() ? stacks_[next_stack_++] : nullptr;
}

std::optional<TypedValue> TapePlayer::value() {
  return next_value_ < values_.size() ? values_[next_value_++] : std::nullopt;
}

std::string TapePlayer::answer_link(const std::string& path) {
  const auto found = links_.find(path);
  return found != links_.end() ? found->second : std::string();
}

// ---- Findings

void TapePlayer::clear() {
  memory_.clear();
  moments_.clear();
  stacks_.clear();
  values_.clear();
  links_.clear();
  typed_.clear();
  next_moment_ = next_stack_ = next_value_ = 0;
  at_stop_ = nullptr;
  in_handler_ = is_stopped_ = false;
}

void TapePlayer::arguments(TapeReader& reader) {
  auto values = std::make_shared<TypedArguments>();
  BreakScope scope;
  reader.number(scope.scope.seq);
  reader.number(values->has_more);
  std::vector<TapedValue> taped;
  reader.list(taped, [&](TapedValue& one) { one.fields(reader); });
  for (const TapedValue& one : taped) values->values.push_back(typed(one));
  scope.arguments = std::move(values);
  typed_.push_back(std::move(scope));
}

bool TapePlayer::finding_of_process(Finding kind, TapeReader& reader) {
  switch (kind) {
    case Finding::Map: {
      int32_t pid = 0;
      reader.number(pid);
      std::vector<TapedMapping> mappings;
      reader.list(mappings, [&](TapedMapping& one) { one.fields(reader); });
      code_.map(pid, std::move(mappings));
      return true;
    }
    case Finding::Generated: {
      int32_t pid = 0;
      Generated made;
      reader.number(pid);
      reader.address(made.at);
      reader.address(made.begin);
      reader.text(made.path);
      reader.text(made.name);
      code_.generated(pid, std::move(made));
      return true;
    }
    case Finding::Function:
      return processes_.function(pid_, reader);
    case Finding::OwnScope:
      return processes_.own_scope(reader);
    case Finding::Table:
      return processes_.table(pid_, reader);
    case Finding::Mode:
      return processes_.mode(pid_, reader);
    default:
      return false;
  }
}

bool TapePlayer::finding(Finding kind, TapeReader& reader, Pipeline& pipeline) {
  uint64_t number = 0;
  switch (kind) {
    case Finding::Memory:
      reader.address(number);
      context_.remember(number, memory_.add(number, reader.text_view()));
      return true;
    case Finding::Again: {
      reader.number(number);
      if (number >= TapeContext::kRecent) return false;
      const TapeContext::Piece& piece = context_.recent()[number];
      memory_.add(piece.address, piece.bytes);
      return true;
    }
    case Finding::Link: {
      std::string path(reader.text_view());
      links_[std::move(path)] = reader.text_view();
      return true;
    }
    case Finding::Moment:
      reader.time(moments_.emplace_back());
      last_time_ = moments_.back();
      return true;
    case Finding::Frames:
      reader.number(number);
      stacks_.push_back(number != 0
                            ? std::make_shared<const Stack>(read_frames(reader, pid_, pipeline))
                            : nullptr);
      return true;
    case Finding::Value: {
      TapedValue value;
      value.fields(reader);
      values_.push_back((value.flags & TapedValue::kIsThere) != 0 ? std::optional(typed(value))
                                                                  : std::nullopt);
      return true;
    }
    case Finding::Arguments:
      arguments(reader);
      return true;
    case Finding::AtStop: {
      auto& last = threads_[tid_].stack;
      reader.number(number);
      if (number == 0) last = std::make_shared<const Stack>(read_frames(reader, pid_, pipeline));
      at_stop_ = last;
      return true;
    }
    case Finding::InHandler:
      in_handler_ = true;
      return true;
    case Finding::Stopped:
      is_stopped_ = true;
      return true;
    default:
      return finding_of_process(kind, reader);
  }
}

// A kind that is not known, of a later version, ends what can be understood of the entry.
bool TapePlayer::findings(TapeReader& reader, Pipeline& pipeline) {
  while (!reader.at_end()) {
    uint8_t kind = 0;
    reader.byte(kind);
    if (kind < static_cast<uint8_t>(Finding::Memory) || kind > static_cast<uint8_t>(Finding::Again))
      return true;
    if (!finding(static_cast<Finding>(kind), reader, pipeline)) return false;
  }
  return !reader.bad();
}

// ---- Entries

EventSource TapePlayer::source() {
  RecordedProcesses::Process& process = processes_.of(pid_);
  Thread& thread = threads_[tid_];
  thread.pid = pid_;
  return {.pid = pid_,
          .tid = tid_,
          .memory = &memory_,
          .table = &process.table,
          .calls = &thread.calls,
          .breakpoints = &process.breaks,
          .own_scopes = &process.own_scopes,
          .stack = at_stop_,
          .open_breaks = typed_,
          .modes = &process.modes};
}

bool TapePlayer::record(TapeReader& reader, Pipeline& pipeline) {
  TapedRecord taped;
  taped.fields(reader);
  if (!findings(reader, pipeline)) return false;
  if (taped.type < WC_RECORD_RETURN || taped.type > WC_RECORD_CALL_SYSCALL) return false;
  RecordView view;
  view.type = static_cast<wc_record_type>(taped.type);
  view.has_body = (taped.parts & TapedRecord::kBody) != 0;
  view.has_call = (taped.parts & TapedRecord::kCall) != 0;
  view.head = taped.head;
  view.body = taped.body;
  view.call = taped.call;
  std::ranges::copy(taped.call_args, view.call_args.begin());
  const std::string captures = packed(taped.captures);
  view.captures = bytes_of(captures);
  view.body.captures = static_cast<uint32_t>(taped.captures.size());
  RecordView next;
  next.has_body = !taped.next_captures.empty();
  next.body.captures = static_cast<uint32_t>(taped.next_captures.size());
  const std::string next_captures = packed(taped.next_captures);
  next.captures = bytes_of(next_captures);
  last_time_ = std::max(last_time_, taped.head.tsc);
  // What makes no sense to the pipeline made none in the ring either, and was reported as lost.
  pipeline.record(source(), view, next.has_body ? &next : nullptr);
  return true;
}

bool TapePlayer::scopes(TapeOp op, TapeReader& reader, Pipeline& pipeline) {
  TapedScopes taped;
  taped.fields(reader);
  if (!findings(reader, pipeline)) return false;
  if (taped.scopes.size() > 2 * WC_MAX_SCOPES) return false;
  const EventSource from = source();
  if (op == TapeOp::DropMissing)
    pipeline.drop_missing(from, taped.scopes);
  else
    pipeline.open_calls(from, taped.scopes, (taped.flags & TapedScopes::kForSyscall) != 0,
                        (taped.flags & TapedScopes::kHasTime) != 0);
  return true;
}

bool TapePlayer::syscall(TapeOp op, TapeReader& reader, Pipeline& pipeline) {
  TapedSyscall taped;
  taped.fields(reader, op);
  if (!findings(reader, pipeline)) return false;
  last_time_ = std::max(last_time_, taped.ts);
  if (op == TapeOp::Enter) {
    Pending& pending = pending_[taped.id];
    pending.tid = tid_;
    PendingSyscall& one = pending.syscall = {};
    one.ts = (taped.flags & TapedSyscall::kHasTime) != 0 ? taped.ts : 0;
    one.nr = taped.nr;
    std::ranges::copy(taped.args, one.args);
    one.in_signal = (taped.flags & TapedSyscall::kInHandler) != 0;
  }
  const auto found = pending_.find(taped.id);
  if (found == pending_.end()) return true;  // its begin is missing
  Pending& pending = found->second;
  if ((taped.flags & TapedSyscall::kRule) != 0) {
    pending.injected = taped.injected;
    pending.syscall.injected = taped.injected.empty() ? nullptr : &pending.injected;
    pending.syscall.rule = taped.rule;
    pending.syscall.rule_flags = taped.rule_flags;
  }
  const EventSource from = source();
  if (op == TapeOp::Enter) {
    pipeline.syscall_enter(from, pending.syscall);
    return true;
  }
  if (op == TapeOp::Exit)
    pipeline.syscall_exit(from, pending.syscall, static_cast<int64_t>(taped.ret), taped.ts);
  else
    pipeline.syscall_ended(from, pending.syscall);
  pending_.erase(found);
  return true;
}

void TapePlayer::forget_thread(int32_t tid) {
  threads_.erase(tid);
  std::erase_if(pending_, [=](const auto& one) { return one.second.tid == tid; });
}

bool TapePlayer::process(TapeReader& reader, Pipeline& pipeline) {
  TapedProcess taped;
  taped.fields(reader);
  if (!findings(reader, pipeline)) return false;
  switch (taped.event) {
    case WC_PROCESS_START:
      pipeline.started(pid_, taped.text);
      return true;
    case WC_PROCESS_FORK:
      pipeline.forked(pid_, tid_, taped.number, taped.thread != 0);
      return true;
    case WC_PROCESS_EXEC:
      pipeline.executed(pid_, tid_, taped.text);
      return true;
    case WC_PROCESS_EXIT:
      pipeline.exited(pid_, tid_, taped.number, taped.thread != 0);
      forget_thread(tid_);
      return true;
    case WC_PROCESS_SIGNAL: {
      siginfo_t info{};
      if (taped.more.size() != sizeof info) return false;
      std::memcpy(&info, taped.more.data(), sizeof info);
      pipeline.signalled(pid_, tid_, taped.number, &info, stack().get());
      return true;
    }
    case WC_PROCESS_STOP:
      pipeline.stopped(pid_, tid_, taped.number);
      return true;
    case WC_PROCESS_PHASE:
      pipeline.phase(pid_, tid_, taped.text.c_str(), taped.more);
      return true;
    default:
      return true;  // of a later version
  }
}

bool TapePlayer::object(TapeReader& reader, Pipeline& pipeline) {
  TapedObject taped;
  taped.fields(reader);
  if (!findings(reader, pipeline)) return false;
  const auto text = [&](uint8_t bit, const std::string& value) {
    return (taped.has & bit) != 0 ? value.c_str() : nullptr;
  };
  wc_object event{};
  event.event = taped.event;
  event.base = taped.base;
  event.dur = taped.dur;
  event.how = text(TapedObject::kHow, taped.how);
  event.by = text(TapedObject::kBy, taped.by);
  event.build_id = text(TapedObject::kBuildId, taped.build_id);
  event.path = text(TapedObject::kPath, taped.path);
  const auto caller = stack();
  const bool has_caller = caller != nullptr && !caller->empty();
  pipeline.object(source(), event, has_caller ? &caller->front() : nullptr);
  return true;
}

bool TapePlayer::play(TapeOp op, TapeReader& reader, Pipeline& pipeline) {
  uint64_t now = 0;
  switch (op) {
    case TapeOp::Note:
      return findings(reader, pipeline);
    case TapeOp::Record:
      return record(reader, pipeline);
    case TapeOp::OpenCalls:
    case TapeOp::DropMissing:
      return scopes(op, reader, pipeline);
    case TapeOp::EndReplaced:
      if (!findings(reader, pipeline)) return false;
      pipeline.end_replaced(source());
      return true;
    case TapeOp::Enter:
    case TapeOp::Exit:
    case TapeOp::Ended:
      return syscall(op, reader, pipeline);
    case TapeOp::Process:
      return process(reader, pipeline);
    case TapeOp::Totals: {
      TapedTotals taped;
      taped.fields(reader);
      FunctionInfo info;
      info.name = taped.name;
      info.library = taped.library;
      info.kind = static_cast<wc_function_kind>(std::min<uint8_t>(taped.kind, WC_FUNCTION_SCOPE));
      pipeline.totals(pid_, info, {taped.calls, taped.ns}, taped.flags);
      return !reader.bad();
    }
    case TapeOp::Object:
      return object(reader, pipeline);
    case TapeOp::Lost: {
      TapedLost taped;
      taped.fields(reader);
      if (!findings(reader, pipeline)) return false;
      pipeline.lost(pid_, taped.count);
      return true;
    }
    case TapeOp::Forget:
      processes_.forget(pid_);
      code_.forget(pid_);
      pipeline.forget_process(pid_);
      return true;
    case TapeOp::Flush:
      reader.time(now);
      flush(pipeline, now);
      return !reader.bad();
    case TapeOp::Snapshot:
      reader.time(now);
      snapshot(pipeline, now);
      return !reader.bad();
  }
  return true;  // of a later version
}

Status TapePlayer::play(std::string_view chunk, Pipeline& pipeline, bool each_anew) {
  context_.restart();
  TapeReader reader(chunk, context_);
  while (!reader.at_end()) {
    const size_t at = chunk.size() - reader.rest().size();
    if (each_anew) context_.restart();
    uint8_t op = 0;
    reader.byte(op);
    if ((op & kOtherThread) != 0) {
      reader.number(context_.pid);
      reader.number(context_.tid);
    }
    pid_ = context_.pid;
    tid_ = context_.tid;
    TapeReader entry(reader.text_view(), context_);
    clear();
    if (reader.bad() || !play(static_cast<TapeOp>(op & ~kOtherThread & 0xff), entry, pipeline) ||
        entry.bad())
      return Error{fmt::format("its entry at byte {} makes no sense", at)};
  }
  return Done{};
}

}  // namespace wc
