// A host that keeps what a built-in backend writes, and events with short names.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <ctime>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "builtin.h"
#include "wc_backend.h"

namespace wc::backends {

class TestHost {
 public:
  using Options = std::map<std::string, std::string, std::less<>>;

  explicit TestHost(const wc_backend* backend, Options options = {}, wc_host settings = {})
      : table_(*backend), host_(settings), options_(std::move(options)) {
    if (host_.run == nullptr) host_.run = &run_of_now();
    host_.abi = WC_BACKEND_ABI;
    host_.struct_size = sizeof host_;
    host_.handle = this;
    host_.write = [](void* handle, const char* data, size_t size) {
      static_cast<TestHost*>(handle)->written_.append(data, size);
    };
    host_.option = [](void* handle, const char* key) -> const char* {
      const Options& known = static_cast<TestHost*>(handle)->options_;
      const auto found = known.find(key);
      return found != known.end() ? found->second.c_str() : nullptr;
    };
    for (const auto& [key, value] : options_) names_.push_back(key.c_str());
    names_.push_back(nullptr);
    host_.option_names = names_.data();
    const auto keep = [](void* handle, const char* line, int) {
      static_cast<TestHost*>(handle)->said_.emplace_back(line);
    };
    if (host_.say == nullptr) host_.say = keep;
    host_.retire = [](void* handle, const char* line) {
      static_cast<TestHost*>(handle)->retired_ = line;
    };
    char error[400] = "";
    is_open_ = (table_.prepare == nullptr ||
                table_.prepare(&context_, &host_, &table_, error, sizeof error) == 0) &&
               table_.open(&context_, &host_, error, sizeof error) == 0;
    error_ = error;
  }
  ~TestHost() { close(); }
  TestHost(const TestHost&) = delete;
  TestHost& operator=(const TestHost&) = delete;

  static const wc_run& run_of_now() {
    static const wc_run run = [] {
      const auto now = [](clockid_t clock) {
        timespec at{};
        clock_gettime(clock, &at);
        return at.tv_sec * int64_t{1'000'000'000} + at.tv_nsec;
      };
      const int64_t monotonic = now(CLOCK_MONOTONIC);
      return wc_run{static_cast<uint64_t>(monotonic), 0, now(CLOCK_REALTIME) - monotonic, "here",
                    "6.1"};
    }();
    return run;
  }

  void send(const wc_call& event) { table_.call(context_, &event); }
  void send(const wc_syscall& event) { table_.syscall_exit(context_, &event); }
  void enter(const wc_syscall& event) {
    wc_verdict verdict{};
    table_.syscall_enter(context_, &event, &verdict);
  }
  void send(const wc_return& event) { table_.ret(context_, &event); }
  void send(const wc_process& event) { table_.process(context_, &event); }
  void send(const wc_object& event) { table_.object(context_, &event); }
  void send(const wc_lost& event) { table_.lost(context_, &event); }
  void send(const wc_totals& event) { table_.totals(context_, &event); }
  void flush(uint64_t now) { table_.flush(context_, now); }
  void snapshot(uint64_t now) { table_.snapshot(context_, now); }
  void close() {
    if (is_open_) table_.close(context_);
    is_open_ = false;
  }

  [[nodiscard]] void* context() const { return context_; }
  [[nodiscard]] bool is_open() const { return is_open_; }
  [[nodiscard]] const std::string& error() const { return error_; }
  // As prepare() has left it.
  [[nodiscard]] const wc_backend& table() const { return table_; }
  [[nodiscard]] const std::vector<std::string>& said() const { return said_; }
  [[nodiscard]] const std::string& retired() const { return retired_; }
  // What was written since the last look.
  std::string take() { return std::exchange(written_, {}); }
  std::vector<std::string> take_lines() {
    std::istringstream stream(take());
    std::vector<std::string> lines;
    for (std::string line; std::getline(stream, line);) lines.push_back(line);
    return lines;
  }

 private:
  wc_backend table_;
  wc_host host_;
  Options options_;
  std::vector<const char*> names_;
  std::vector<std::string> said_;
  std::string retired_;
  void* context_ = nullptr;
  bool is_open_ = false;
  std::string error_;
  std::string written_;
};

inline constexpr int32_t kPid = 4312;

inline wc_call call_event(uint64_t id, const char* function, const char* args, uint32_t depth = 0) {
  return {.ts = 1000 * id,
          .pid = kPid,
          .tid = kPid,
          .id = id,
          .depth = depth,
          .function = function,
          .symbol = function,
          .library = "libc.so.6",
          .args_text = args};
}

inline wc_syscall syscall_event(uint64_t call, const char* name, const char* args,
                                const char* result, uint32_t depth = 0) {
  return {.ts = 1000 * call + 10,
          .dur = 42'000,
          .pid = kPid,
          .tid = kPid,
          .call = call,
          .depth = depth,
          .nr = 1,
          .name = name,
          .args_text = args,
          .ret_text = result};
}

inline wc_return return_event(uint64_t call, const char* function, const char* result,
                              uint32_t depth = 0) {
  return {.ts = 1000 * call + 500,
          .dur = 490,
          .pid = kPid,
          .tid = kPid,
          .call = call,
          .depth = depth,
          .function = function,
          .ret_text = result};
}

inline wc_process process_event(wc_process_kind kind) {
  return {.ts = 1, .pid = kPid, .tid = kPid, .event = static_cast<uint32_t>(kind)};
}

template <typename Event>
Event on_thread(Event event, int32_t tid) {
  event.tid = tid;
  return event;
}

}  // namespace wc::backends
