// Backend "ledger": at the end, the descriptors that are still open and who opened them, those that
// were closed twice or used after they had been closed, those that went through exec(3), and the
// most that were open at once.
#include <algorithm>
#include <set>
#include <tuple>
#include <unordered_map>
#include <vector>

#include "append.h"
#include "builtin.h"
#include "escape.h"
#include "forward.h"
#include "frames.h"
#include "ledger_events.h"
#include "ledger_tables.h"
#include "sink.h"

namespace wc::backends {

namespace {

// The tracer looks at the rings of all threads each second at the least: what is older than this is
// in order.
constexpr uint64_t kWindow = 2'500'000'000;
// Operations, of 72 bytes; of more, the earliest are taken sooner.
constexpr size_t kMostHeld = 600'000;
constexpr size_t kMostPlaces = 65'536;
// Who closes so many numbers that were never open closes all there may be (closefrom(3), daemons).
constexpr uint64_t kLoop = 8;

std::string escaped_basename(std::string_view path) {
  std::string name;
  append_basename(name, path);
  return name;
}

class LedgerBackend {
 public:
  explicit LedgerBackend(const wc_host& host) : sink_(host) {}

  void call(const wc_call& event);
  void ret(const wc_return& event) { calls_.erase(event.call); }
  void syscall_exit(const wc_syscall& event);
  void process(const wc_process& event);
  void lost(const wc_lost& event) { lost_ += event.count; }
  void flush(uint64_t now) { take(now - std::min(now, kWindow)); }
  void close();

 private:
  struct Call {
    int32_t pid = 0;
    const LedgerPlace* place = nullptr;
  };
  // At the same time, in the order in which they came.
  struct Held {
    LedgerOp op;
    uint64_t number = 0;
  };
  static bool is_later(const Held& a, const Held& b) {
    return a.op.at != b.op.at ? a.op.at > b.op.at : a.number > b.number;
  }
  const LedgerPlace* intern(LedgerPlace place);
  std::string stack_of(const wc_stack_frame* frames, uint32_t count) const;
  const LedgerPlace* place_of(const wc_syscall& event);
  void hold(LedgerOp op);
  void take_first();
  void take(uint64_t until);
  void section(std::string_view title, const LedgerRows& rows, std::string_view then = "used");
  void row(const LedgerRow& row, const LedgerCount& count, std::string_view then);
  void by(std::string_view what, const LedgerPlace* place);
  [[nodiscard]] bool is_loop(const LedgerPlace* place) const;
  [[nodiscard]] LedgerRows without_loops(const LedgerRows& rows) const;
  void head(uint64_t twice, uint64_t used);
  void notes();

  Sink sink_;
  std::set<LedgerPlace> places_;
  const LedgerPlace other_{"(other places)", {}};
  std::unordered_map<uint64_t, Call> calls_;  // open ones: the place of the outermost around
  LedgerNames names_;
  std::vector<Held> held_;  // a heap, the earliest first
  uint64_t next_ = 0;
  LedgerTables tables_;
  std::unordered_map<const LedgerPlace*, uint64_t> never_open_by_;
  uint64_t lost_ = 0;
};

const LedgerPlace* LedgerBackend::intern(LedgerPlace place) {
  const auto found = places_.find(place);
  if (found != places_.end()) return &*found;
  if (places_.size() >= kMostPlaces) return &other_;
  return &*places_.insert(std::move(place)).first;
}

std::string LedgerBackend::stack_of(const wc_stack_frame* frames, uint32_t count) const {
  std::string stack;
  if (sink_.host().stack_trace == 0) return stack;
  for (uint32_t i = 0; i < count; ++i) {
    stack += "          > ";
    append_frame(stack, frames[i]);
    stack += '\n';
  }
  return stack;
}

void LedgerBackend::call(const wc_call& event) {
  const auto around = calls_.find(event.parent);
  if (event.parent != 0 && around != calls_.end()) {
    calls_[event.id] = {event.pid, around->second.place};
    return;
  }
  LedgerPlace place;
  append_escaped(place.text, view(event.function));
  place.text += ", ";
  append_place(place.text, event.caller);
  place.stack = stack_of(event.frames, event.frame_count);
  calls_[event.id] = {event.pid, intern(std::move(place))};
}

const LedgerPlace* LedgerBackend::place_of(const wc_syscall& event) {
  const auto call = calls_.find(event.call);
  if (event.call != 0 && call != calls_.end()) return call->second.place;
  LedgerPlace place{std::string(view(event.name)) + ", outside of every call", {}};
  place.stack = stack_of(event.frames, event.frame_count);
  return intern(std::move(place));
}

void LedgerBackend::syscall_exit(const wc_syscall& event) {
  if (!concerns_ledger(event)) return;
  for (LedgerOp& op : ledger_ops(event, place_of(event), names_)) hold(std::move(op));
}

void LedgerBackend::process(const wc_process& event) {
  LedgerOp op{.at = event.ts, .pid = event.pid};
  switch (event.event) {
    case WC_PROCESS_START:
    case WC_PROCESS_EXEC:
      op.kind = LedgerOp::Kind::Exec;
      op.what = names_.intern(escaped_basename(view(event.path)));
      break;
    case WC_PROCESS_FORK:
      if (event.thread != 0) return;
      op.kind = LedgerOp::Kind::Fork;
      op.other = event.child;
      break;
    case WC_PROCESS_EXIT:
      if (event.thread != 0) return;
      op.kind = LedgerOp::Kind::Exit;
      std::erase_if(calls_, [&](const auto& one) { return one.second.pid == event.pid; });
      break;
    default:
      return;
  }
  hold(std::move(op));
}

void LedgerBackend::hold(LedgerOp op) {
  held_.push_back({op, next_++});
  std::push_heap(held_.begin(), held_.end(), is_later);
  if (held_.size() > kMostHeld) take_first();
}

void LedgerBackend::take_first() {
  tables_.apply(held_.front().op);
  std::pop_heap(held_.begin(), held_.end(), is_later);
  held_.pop_back();
}

void LedgerBackend::take(uint64_t until) {
  while (!held_.empty() && held_.front().op.at <= until) take_first();
}

// ---- What is said

std::string numbered(uint64_t count, std::string_view one, std::string_view many) {
  return std::to_string(count) + " " + std::string(count == 1 ? one : many);
}

uint64_t sum(const LedgerRows& rows) {
  uint64_t times = 0;
  for (const auto& [row, count] : rows) times += count.times;
  return times;
}

void LedgerBackend::by(std::string_view what, const LedgerPlace* place) {
  const std::string_view text =
      place != nullptr ? std::string_view(place->text) : "what was not seen";
  append_format(sink_.buffer(), "      {} by {}\n", what, text);
  if (place != nullptr) sink_.buffer() += place->stack;
}

// `then`: what was done that should not have been.
void LedgerBackend::row(const LedgerRow& row, const LedgerCount& count, std::string_view then) {
  std::string& out = sink_.buffer();
  append_format(out, "  {}:", row.process);
  for (const int64_t fd : count.fds) append_format(out, " {}", fd);
  if (count.times > count.fds.size()) append_format(out, " ... ({} in all)", count.times);
  append_format(out, "  {}\n", row.what);
  if (row.by != nullptr && row.opened == nullptr && row.closed == nullptr) return by(then, row.by);
  by("opened", row.opened);
  if (row.by == nullptr) return;
  by("closed", row.closed);
  by(then, row.by);
  // Who held the number before may still use it.
  if (row.before_opened == nullptr) return;
  by("the number was reused: before, it was opened", row.before_opened);
  by("and closed", row.before_closed);
}

void LedgerBackend::section(std::string_view title, const LedgerRows& rows, std::string_view then) {
  if (rows.empty()) return;
  append_format(sink_.buffer(), "\n{}\n", title);
  std::vector<const LedgerRows::value_type*> sorted;
  for (const auto& one : rows) sorted.push_back(&one);
  std::sort(sorted.begin(), sorted.end(), [](const auto* a, const auto* b) {
    return std::tie(a->first.process, a->second.fds) < std::tie(b->first.process, b->second.fds);
  });
  for (const auto* one : sorted) {
    row(one->first, one->second, then);
    constexpr size_t kBlock = 65'536;
    if (sink_.buffer().size() > kBlock) sink_.send();
  }
}

bool LedgerBackend::is_loop(const LedgerPlace* place) const {
  const auto found = never_open_by_.find(place);
  return found != never_open_by_.end() && found->second >= kLoop;
}

LedgerRows LedgerBackend::without_loops(const LedgerRows& rows) const {
  LedgerRows kept;
  for (const auto& [row, count] : rows)
    if (!is_loop(row.by)) kept.emplace(row, count);
  return kept;
}

void LedgerBackend::head(uint64_t twice, uint64_t used) {
  append_format(sink_.buffer(),
                "{} still open at the end, {} closed twice, {} used after being closed\n",
                numbered(sum(tables_.still_open()), "descriptor", "descriptors"), twice, used);
  if (tables_.most() == 0) return;
  append_format(sink_.buffer(), "at most {} open at once, by {}: the last one by {}\n",
                tables_.most(), tables_.most_process(), tables_.most_place()->text);
}

void LedgerBackend::notes() {
  std::string& out = sink_.buffer();
  if (lost_ != 0)
    append_format(out, "\n{} events were lost: what they did to descriptors is not known\n", lost_);
  if (tables_.closed_unseen() != 0)
    append_format(out,
                  "\n{} closed outside of the selected functions, which nobody saw "
                  "(--scope=process sees all)\n",
                  numbered(tables_.closed_unseen(), "descriptor was", "descriptors were"));
  if (tables_.dropped() != 0)
    append_format(out, "\n{} further rows are left out\n", tables_.dropped());
}

void LedgerBackend::close() {
  take(UINT64_MAX);
  tables_.close();
  for (const auto& [row, count] : tables_.never_open()) never_open_by_[row.by] += count.times;
  const LedgerRows twice = without_loops(tables_.closed_twice());
  head(sum(twice), sum(tables_.used_closed()));
  section("still open at the end", tables_.still_open());
  section("closed twice", twice, "closed again");
  section("used after being closed", tables_.used_closed(), "then used");
  section("closed or used, but never open", without_loops(tables_.never_open()));
  section("handed on by exec (no O_CLOEXEC)", tables_.through_exec());
  notes();
  sink_.send();
}

LedgerBackend& self(void* context) { return *static_cast<LedgerBackend*>(context); }

int open_ledger(void** context, const wc_host* host, char*, size_t) {
  *context = new LedgerBackend(*host);
  return 0;
}

}  // namespace

const wc_backend* ledger_backend() {
  static constexpr wc_backend kLedger = {
      .abi = WC_BACKEND_ABI,
      .struct_size = sizeof(wc_backend),
      .name = "ledger",
      .wants = WC_WANT_TEXT | WC_WANT_CALLER | WC_WANT_SYSCALL_TIME,
      .options = "",
      .open = open_ledger,
      .call = forward<&LedgerBackend::call>,
      .syscall_exit = forward<&LedgerBackend::syscall_exit>,
      .ret = forward<&LedgerBackend::ret>,
      .process = forward<&LedgerBackend::process>,
      .lost = forward<&LedgerBackend::lost>,
      .flush = [](void* context, uint64_t now) { self(context).flush(now); },
      .close = close_and_delete<LedgerBackend>,
  };
  return &kLedger;
}

}  // namespace wc::backends
