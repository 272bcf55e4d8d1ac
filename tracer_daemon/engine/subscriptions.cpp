#include "engine/subscriptions.h"

#include <algorithm>

#include "control/subscribe_request.h"
#include "events/tick_clock.h"
#include "live_totals.h"

namespace wc {

using backends::JsonWriter;
using backends::LiveTotals;

struct Subscriptions::One {
  One(const SubscribeRequest& request, bool has_stacks, std::shared_ptr<ControlPeer> to,
      uint64_t now)
      : peer(std::move(to)),
        interval(request.interval_ns),
        next(now + request.interval_ns),
        totals({request.by, request.top, request.recent, request.function, has_stacks}, now) {}

  std::shared_ptr<ControlPeer> peer;
  uint64_t interval, next;
  uint64_t missed = 0;  // lines, since the last one
  LiveTotals totals;
};

Subscriptions::Subscriptions(const TraceRun& run, const Parts& parts) : run_(run), parts_(parts) {}

Subscriptions::~Subscriptions() {
  for (const auto& one : all_) drop(*one);
}

void Subscriptions::each_so_far(const std::function<void(const wc_totals&)>& visit) const {
  for (const auto& [pid, process] : parts_.tracees.processes)
    parts_.totals.each(*process, [&](const FunctionInfo& function, const wc_counter& counter) {
      wc_totals event{};
      event.pid = process->pid;
      event.function = function.name.c_str();
      event.library = function.library.c_str();
      event.kind = function.kind;
      event.calls = counter.calls;
      event.ns = run_.pipeline.clock().duration(counter.ticks);
      visit(event);
    });
}

Status Subscriptions::add(std::string_view words, std::shared_ptr<ControlPeer> peer) {
  auto request = parse_subscribe(words);
  if (!request) return request.error();
  constexpr size_t kMost = 16;
  if (all_.size() >= kMost) return Error{"there are 16 subscriptions already"};
  parts_.records.drain_running(parts_.tracees);  // that was before
  const bool has_stacks = (run_.options.planned_wants & WC_WANT_STACK) != 0;
  auto one = std::make_unique<One>(*request, has_stacks, std::move(peer), TickClock::now());
  each_so_far([&](const wc_totals& so_far) { one->totals.leave_out(so_far); });
  run_.pipeline.backends().watch({&one->totals.callbacks(), &one->totals});
  all_.push_back(std::move(one));
  plan();
  return Done{};
}

Status Subscriptions::change_interval(std::string_view words, const ControlPeer& peer) {
  const auto interval = parse_interval(words);
  if (!interval) return interval.error();
  bool has_one = false;
  for (const auto& one : all_) {
    if (one->peer->connection() != peer.connection()) continue;
    has_one = true;
    one->next = std::max(TickClock::now(), one->next - one->interval + *interval);
    one->interval = *interval;
  }
  if (!has_one)
    return Error{
        "there is no subscription on this connection: interval MS is sent on the one of "
        "subscribe"};
  plan();
  return Done{};
}

void Subscriptions::drop(One& one) { run_.pipeline.backends().watch({nullptr, &one.totals}); }

void Subscriptions::plan() {
  due_ = 0;
  for (const auto& one : all_) due_ = due_ == 0 ? one->next : std::min(due_, one->next);
}

std::string Subscriptions::line_of(One& one, uint64_t now, Last last) {
  each_so_far([&](const wc_totals& so_far) { one.totals.totals_so_far(so_far); });
  const BackendSet::Counts& counts = run_.pipeline.backends().counts();
  std::string line;
  JsonWriter json(line);
  json.begin_object();
  json.member("type", std::string_view("totals"));
  json.member("ts", now);
  json.member("processes", uint64_t{parts_.tracees.processes.size()});
  json.member("threads", uint64_t{parts_.tracees.threads.size()});
  json.member("events", counts.events);
  json.member("lost", counts.lost);
  json.member("missed", one.missed);
  json.member("last", last == Last::Yes);
  one.totals.write(json, now);
  json.end_object();
  return line;
}

void Subscriptions::send_due(uint64_t now) {
  if (due_ == 0 || now < due_) return;
  parts_.records.drain_running(parts_.tracees);
  std::erase_if(all_, [&](const std::unique_ptr<One>& one) {
    if (now < one->next) return false;
    one->next = now + one->interval;
    const ControlPeer::Sent sent = one->peer->send(line_of(*one, now, Last::No));
    one->missed = sent == ControlPeer::Sent::Busy ? one->missed + 1 : 0;
    if (sent == ControlPeer::Sent::Gone) drop(*one);
    return sent == ControlPeer::Sent::Gone;
  });
  plan();
}

void Subscriptions::end() {
  // Also to one that has not read the line before: this one says how the run has ended.
  for (const auto& one : all_)
    one->peer->answer(line_of(*one, TickClock::now(), Last::Yes), ControlPeer::Then::FurtherLines);
}

}  // namespace wc
