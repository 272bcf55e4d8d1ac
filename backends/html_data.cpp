#include "html_data.h"

#include <algorithm>
#include <bit>

#include "escape.h"
#include "frames.h"
#include "text_words.h"

namespace wc::backends {

namespace {

constexpr size_t kSlowest = 200;
constexpr size_t kMostEvents = 5'000;      // kinds of errors
constexpr size_t kMostFunctions = 20'000;  // a program can name scopes of its own
constexpr size_t kMostText = 400;

bool is_slower(const HtmlSlowest::One& a, const HtmlSlowest::One& b) {
  return a.dur != b.dur ? a.dur > b.dur : a.ts < b.ts;
}

}  // namespace

bool HtmlSlowest::has_room_for(uint64_t dur) const {
  return heap_.size() < kSlowest || heap_.front().dur < dur;
}

void HtmlSlowest::add(One one) {
  if (heap_.size() >= kSlowest) {
    std::pop_heap(heap_.begin(), heap_.end(), is_slower);
    heap_.pop_back();
  }
  if (one.text.size() > kMostText) one.text.resize(kMostText);
  heap_.push_back(std::move(one));
  std::push_heap(heap_.begin(), heap_.end(), is_slower);
}

void HtmlSlowest::write(JsonWriter& json) const {
  std::vector<One> slowest = heap_;
  std::sort(slowest.begin(), slowest.end(), is_slower);
  json.begin_array();
  for (const One& one : slowest) {
    json.begin_array();
    json.number(one.dur);
    json.number(one.ts);
    json.string(one.text);
    json.string(one.function);
    json.string(one.place);
    json.number(int64_t{one.tid});
    json.end_array();
  }
  json.end_array();
}

void HtmlTimes::add(uint64_t duration, bool has_failed) {
  ++count;
  errors += has_failed ? 1 : 0;
  ns += duration;
  max = std::max(max, duration);
  const auto octave = static_cast<size_t>(std::bit_width(std::max<uint64_t>(duration, 1))) - 1;
  ++octaves[std::min(octave, octaves.size() - 1)];
}

void HtmlTimes::write(JsonWriter& json) const {
  json.number(count);
  json.number(errors);
  json.number(ns);
  json.number(max);
  json.begin_array();
  for (size_t i = 0; i < octaves.size(); ++i) {
    if (octaves[i] == 0) continue;
    json.number(uint64_t{i});
    json.number(uint64_t{octaves[i]});
  }
  json.end_array();
}

size_t HtmlData::function_of(std::string_view name, std::string_view library) {
  std::string key(name);
  (key += '\n') += library;
  const auto found = function_ids_.find(key);
  if (found != function_ids_.end()) return found->second;
  if (functions_.size() >= kMostFunctions) return functions_.size() - 1;
  functions_.push_back({std::string(name), std::string(library), {}, 0, 0, 0});
  function_ids_.emplace(std::move(key), functions_.size() - 1);
  return functions_.size() - 1;
}

void HtmlData::call(const wc_call& event) {
  Call& call = calls_[event.id];
  call = {event.pid,
          function_of(view(event.function), view(event.library)),
          event.ts,
          std::string(view(event.args_text)),
          {}};
  append_place(call.place, event.caller);
}

void HtmlData::ret(const wc_return& event) {
  const auto call = calls_.find(event.call);
  if (call == calls_.end()) return;
  Function& function = functions_[call->second.function];
  function.calls.add(event.dur, false);
  if (slowest_calls_.has_room_for(event.dur)) {
    std::string text = function.name + "(" + call->second.args + ")";
    if (!view(event.ret_text).empty()) (text += " = ") += event.ret_text;
    slowest_calls_.add({event.dur, call->second.ts, std::move(text), function.library,
                        std::move(call->second.place), event.tid});
  }
  calls_.erase(call);
}

void HtmlData::count(std::map<Event, uint64_t>& events, Event event) {
  if (events.size() >= kMostEvents && !events.contains(event)) event = {"(more)"};
  ++events[event];
}

void HtmlData::keep_slow(const wc_syscall& event, const Call* call) {
  if (!slowest_.has_room_for(event.dur)) return;
  std::string text(view(event.name));
  ((text += '(') += view(event.args_text)) += ") = ";
  const bool has_result = (event.flags & WC_SYSCALL_NO_RESULT) == 0;
  text += has_result ? view(event.ret_text) : "?";
  append_tampering(text, event.flags);
  slowest_.add({event.dur, event.ts, std::move(text), std::string(view(event.function)),
                call != nullptr ? call->place : std::string(), event.tid});
}

void HtmlData::syscall(const wc_syscall& event) {
  const auto found = calls_.find(event.call);
  const Call* call = event.call != 0 && found != calls_.end() ? &found->second : nullptr;
  const auto times = syscalls_.try_emplace(std::string(view(event.name))).first;
  times->second.add(event.dur, event.error != 0);
  if (call != nullptr) {
    Function& function = functions_[call->function];
    ++function.syscalls;
    function.errors += event.error != 0 ? 1 : 0;
    function.syscall_ns += event.dur;
  }
  keep_slow(event, call);
  const std::string place = call != nullptr ? call->place : std::string();
  const std::string path(view(event.path != nullptr ? event.path : event.fd_path));
  if (event.error != 0)
    count(errors_, {std::string(view(event.name)), std::string(view(event.error_name)), path,
                    std::string(view(event.function)), place});
  if (event.injected != nullptr)
    count(injected_, {std::string(view(event.name)), event.injected, path,
                      std::string(view(event.function)), place});
}

void HtmlData::process(const wc_process& event) {
  if (event.event == WC_PROCESS_START || (event.event == WC_PROCESS_FORK && event.thread == 0))
    ++processes_;
  if (event.event == WC_PROCESS_SIGNAL && event.quiet == 0) {
    std::string name;
    append_signal_name(name, event.signal);
    count(signals_, {name, std::string(view(event.text))});
  }
  if (event.event == WC_PROCESS_EXIT && event.thread == 0)
    std::erase_if(calls_, [&](const auto& one) { return one.second.pid == event.pid; });
}

void HtmlData::write_events(JsonWriter& json, std::string_view key,
                            const std::map<Event, uint64_t>& events) {
  json.key(key);
  json.begin_array();
  for (const auto& [event, times] : events) {
    json.begin_array();
    json.number(times);
    for (const std::string& part : event) json.string(part);
    json.end_array();
  }
  json.end_array();
}

void HtmlData::write(JsonWriter& json) const {
  json.member("lost", lost_);
  json.member("processes", processes_);
  json.key("functions");
  json.begin_array();
  for (const Function& one : functions_) {
    json.begin_array();
    json.string(one.name);
    json.string(one.library);
    json.number(one.syscalls);
    json.number(one.errors);
    json.number(one.syscall_ns);
    one.calls.write(json);
    json.end_array();
  }
  json.end_array();
  json.key("syscalls");
  json.begin_array();
  for (const auto& [name, times] : syscalls_) {
    json.begin_array();
    json.string(name);
    times.write(json);
    json.end_array();
  }
  json.end_array();
  json.key("slowest");
  slowest_.write(json);
  json.key("slowest_calls");
  slowest_calls_.write(json);
  write_events(json, "errors", errors_);
  write_events(json, "injected", injected_);
  write_events(json, "signals", signals_);
}

}  // namespace wc::backends
