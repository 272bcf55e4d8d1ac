// What the report of backend "html" shows besides the spans and the tree of run_model.h: tables by
// function and by system call, errors, the slowest system calls, what rules have done.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "json_writer.h"
#include "wc_backend.h"

namespace wc::backends {

// How long something took, in powers of two of nanoseconds.
struct HtmlTimes {
  uint64_t count = 0, errors = 0, ns = 0, max = 0;
  std::array<uint32_t, 48> octaves{};

  void add(uint64_t duration, bool has_failed);
  void write(JsonWriter& json) const;
};

// The slowest of many.
class HtmlSlowest {
 public:
  struct One {
    uint64_t dur = 0, ts = 0;
    std::string text, function, place;
    int32_t tid = 0;
  };
  // Whether one that took so long would be kept: asked before its texts are made.
  [[nodiscard]] bool has_room_for(uint64_t dur) const;
  void add(One one);
  void write(JsonWriter& json) const;

 private:
  std::vector<One> heap_;  // the fastest of them first
};

class HtmlData {
 public:
  void call(const wc_call& event);
  void syscall(const wc_syscall& event);
  void ret(const wc_return& event);
  void process(const wc_process& event);
  void lost(const wc_lost& event) { lost_ += event.count; }

  // As members of the object that is open.
  void write(JsonWriter& json) const;

 private:
  struct Function {
    std::string name, library;
    HtmlTimes calls;
    uint64_t syscalls = 0, errors = 0, syscall_ns = 0;
  };
  struct Call {
    int32_t pid = 0;
    size_t function = 0;
    uint64_t ts = 0;
    std::string args, place;
  };
  // A kind of failed, or of changed, system call: what, how, where.
  using Event = std::array<std::string, 5>;

  size_t function_of(std::string_view name, std::string_view library);
  void keep_slow(const wc_syscall& event, const Call* call);
  static void count(std::map<Event, uint64_t>& events, Event event);
  static void write_events(JsonWriter& json, std::string_view key,
                           const std::map<Event, uint64_t>& events);

  std::vector<Function> functions_;
  std::unordered_map<std::string, size_t> function_ids_;
  std::map<std::string, HtmlTimes, std::less<>> syscalls_;
  std::unordered_map<uint64_t, Call> calls_;  // open ones
  HtmlSlowest slowest_, slowest_calls_;
  std::map<Event, uint64_t> errors_, injected_, signals_;
  uint64_t lost_ = 0, processes_ = 0;
};

}  // namespace wc::backends
