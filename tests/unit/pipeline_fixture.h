// One thread of a program that is not there, driven as an engine drives the pipeline, and what the
// backends made of it.
#pragma once

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include "decode_fake_memory.h"
#include "events/pipeline.h"
#include "temporary_folder.h"

namespace wc {

using Json = nlohmann::json;

inline std::vector<std::string> lines_of_file(const std::string& path) {
  std::istringstream stream(read_file(path));
  std::vector<std::string> lines;
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

class PipelineFixture : public testing::Test {
 protected:
  // Backends by name or path; each writes to a file of its own, see lines().
  void open(const std::vector<std::string>& backends, HostOptions options = {},
            std::string_view filter = "all") {
    std::vector<std::string> specs;
    for (size_t i = 0; i < backends.size(); i++)
      specs.push_back(backends[i] + (backends[i].find(':') == std::string::npos ? ":" : ",") +
                      "output=" + (folder_ / std::to_string(i)));
    options.output_path = folder_ / "default";
    auto set = BackendSet::open(specs, options);
    ASSERT_TRUE(set.ok()) << set.error().message;
    auto syscalls = parse_syscall_filter(filter);
    ASSERT_TRUE(syscalls.ok());
    pipeline_.emplace(std::move(*set), DecodeOptions{}, *syscalls);
  }
  void SetUp() override {
    for (const char* name : {"fopen", "malloc", "free", "read", "printf", "exit"}) add(name);
    open({"json"});
  }
  uint32_t add(const std::string& name) {
    const FunctionSpec* spec = find_function(name);
    table_.functions.push_back({name, name, "libc.so.6", spec, name == "read"});
    return static_cast<uint32_t>(table_.functions.size() - 1);
  }
  [[nodiscard]] uint32_t index_of(const std::string& name) const {
    for (uint32_t i = 0; i < table_.functions.size(); i++)
      if (table_.functions[i].symbol == name) return i;
    return 0xffffffff;
  }

  // ---- the program

  EventSource source(int32_t tid = 10) {
    return {.pid = 10, .tid = tid, .memory = memory_used_, .table = &table_, .calls = &calls_};
  }
  uint64_t enter(uint32_t function, std::vector<uint64_t> args = {}) {
    wc_scope scope{};
    scope.seq = ++seq_;
    scope.sp = 0x7000'0000 - 0x100 * scopes_.size();
    scope.function = function;
    for (size_t i = 0; i < args.size() && i < 6; i++) scope.args[i] = args[i];
    scopes_.push_back(scope);
    return seq_;
  }
  uint64_t enter(const std::string& function, std::vector<uint64_t> args = {}) {
    return enter(index_of(function), std::move(args));
  }
  // The innermost call returns, and its record is drained.
  void leave(uint64_t ret = 0, uint32_t type = WC_RECORD_RETURN, int32_t error = 0,
             uint64_t tsc = 0) {
    wc_record record{scopes_.back().seq, ret, tsc, type, error};
    scopes_.pop_back();
    take({&record, 1});
  }
  // As the tracer takes a ring's places.
  void take(std::span<const wc_record> places) {
    RecordReader reader(places);
    for (RecordView view; reader.next(view);) pipeline_->record(source(), view, nullptr);
  }
  void stop_for_all_calls() { pipeline_->open_calls(source(), scopes_, false, false); }
  PendingSyscall begin_syscall(const std::string& name, std::vector<uint64_t> args) {
    PendingSyscall pending;
    pending.nr = static_cast<uint32_t>(syscall_number(name));
    for (size_t i = 0; i < args.size(); i++) pending.args[i] = args[i];
    pipeline_->drop_missing(source(), scopes_);
    pipeline_->open_calls(source(), scopes_, true, false);
    pipeline_->syscall_enter(source(), pending);
    return pending;
  }
  void make_syscall(const std::string& name, std::vector<uint64_t> args, int64_t ret) {
    PendingSyscall pending = begin_syscall(name, std::move(args));
    pipeline_->syscall_exit(source(), pending, ret, TickClock::now());
  }

  // ---- what came of it

  std::vector<std::string> lines(int backend = 0) {
    pipeline_->backends().flush(TickClock::now());
    return lines_of_file(folder_ / std::to_string(backend));
  }
  // Without the line of the run.
  std::vector<Json> events() {
    std::vector<Json> all;
    for (const auto& line : lines())
      if (Json one = Json::parse(line); one["type"] != "run") all.push_back(std::move(one));
    return all;
  }
  // "call fopen", "syscall openat", "return": one word or two an event.
  std::vector<std::string> story() {
    std::vector<std::string> words;
    for (const Json& event : events()) {
      std::string word = event["type"];
      if (word == "call") word += " " + event["function"].get<std::string>();
      if (word == "syscall") word += " " + event["name"].get<std::string>();
      if (event.contains("unwound")) word += " unwound";
      words.push_back(word);
    }
    return words;
  }

  TemporaryFolder folder_;
  FakeMemory memory_;
  TraceeMemory* memory_used_ = &memory_;
  FunctionTable table_;
  CallStack calls_;
  std::vector<wc_scope> scopes_;
  uint64_t seq_ = 0;
  std::optional<Pipeline> pipeline_;
};

}  // namespace wc
