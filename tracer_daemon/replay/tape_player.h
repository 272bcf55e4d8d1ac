// Tells a pipeline what stands on a tape, entry by entry: the other end of events/tape.h. The
// pipeline's memory, links, times and stacks come from the entry that is played.
//
// A tape may say anything: what makes no sense is an error, and costs no more memory than a few
// times its own size.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "events/pipeline.h"
#include "events/tape_ops.h"
#include "proc/link_watch.h"
#include "replay/recorded_code.h"
#include "replay/recorded_memory.h"
#include "replay/recorded_processes.h"

namespace wc {

class TapePlayer final : public Answers, public proc::LinkAnswers {
 public:
  explicit TapePlayer(std::string sysroot);
  TapePlayer(const TapePlayer&) = delete;
  TapePlayer& operator=(const TapePlayer&) = delete;
  ~TapePlayer() override;

  // For the pipeline that is to be told.
  CodeSource* code() { return &code_; }
  [[nodiscard]] const RecordedCode& recorded_code() const { return code_; }

  // All entries of a chunk. Error: where it makes no sense; those in front of it have been played.
  // `each_anew`: a flight recorder has kept them one by one.
  Status play(std::string_view chunk, Pipeline& pipeline, bool each_anew = false);
  [[nodiscard]] uint64_t last_time() const { return last_time_; }

  uint64_t moment() override;
  std::shared_ptr<const Stack> stack() override;
  std::optional<TypedValue> value() override;
  bool is_in_handler() override { return in_handler_; }
  bool is_stopped() override { return is_stopped_; }
  std::string answer_link(const std::string& path) override;

 private:
  struct Thread {
    CallStack calls;
    std::shared_ptr<const Stack> stack;
    int32_t pid = 0;
  };
  struct Pending {
    PendingSyscall syscall;
    std::string injected;
    int32_t tid = 0;
  };
  bool play(TapeOp op, TapeReader& reader, Pipeline& pipeline);
  bool findings(TapeReader& reader, Pipeline& pipeline);
  bool finding(Finding kind, TapeReader& reader, Pipeline& pipeline);
  bool finding_of_process(Finding kind, TapeReader& reader);
  void arguments(TapeReader& reader);
  EventSource source();
  void clear();

  bool record(TapeReader& reader, Pipeline& pipeline);
  bool scopes(TapeOp op, TapeReader& reader, Pipeline& pipeline);
  bool syscall(TapeOp op, TapeReader& reader, Pipeline& pipeline);
  bool process(TapeReader& reader, Pipeline& pipeline);
  bool object(TapeReader& reader, Pipeline& pipeline);
  void forget_thread(int32_t tid);

  RecordedCode code_;
  TapeContext context_;
  RecordedMemory memory_;
  RecordedProcesses processes_;
  std::unordered_map<int32_t, Thread> threads_;
  std::unordered_map<uint64_t, Pending> pending_;
  uint64_t last_time_ = 0;

  // Of the entry that is played.
  int32_t pid_ = 0, tid_ = 0;
  std::vector<uint64_t> moments_;
  std::vector<std::shared_ptr<const Stack>> stacks_;
  std::vector<std::optional<TypedValue>> values_;
  size_t next_moment_ = 0, next_stack_ = 0, next_value_ = 0;
  std::map<std::string, std::string, std::less<>> links_;
  std::vector<BreakScope> typed_;
  std::shared_ptr<const Stack> at_stop_;
  bool in_handler_ = false;
  bool is_stopped_ = false;
};

}  // namespace wc
