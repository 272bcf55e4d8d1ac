// Writes what the pipeline is told, before it decodes it, and what it finds out meanwhile: enough
// for another pipeline to make the same events of it later (replay/). In chunks, which are handed
// to the back ends that want them. The other end is replay/tape_player.h.
//
// One entry is open at a time. What is found out while none is, stands in an entry of its own.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "base/tracee_memory.h"
#include "events/event_source.h"
#include "events/flight.h"
#include "events/tape_ops.h"
#include "proc/link_watch.h"
#include "symbols/code_source.h"
#include "wc_backend.h"

namespace wc {

class Tape final : public CodeWitness, public proc::LinkWitness {
 public:
  using Sink = std::function<void(const wc_raw& chunk)>;
  explicit Tape(Sink sink);
  // Keeps the last `most` events of each thread, and hands out nothing.
  explicit Tape(std::unique_ptr<Flight> flight);
  ~Tape() override;
  [[nodiscard]] const Flight* flight() const { return flight_.get(); }

  [[nodiscard]] bool is_open() const { return is_open_; }
  void begin(TapeOp op, int32_t pid, int32_t tid, bool is_outermost = false);
  template <typename Fields, typename... More>
  void put(Fields& fields, More... more) {
    TapeWriter writer(entry_, context_);
    fields.fields(writer, more...);
  }
  void end();
  void instant(TapeOp op, uint64_t now);  // Flush, Snapshot

  // What the entry is about, so that its numbers mean something.
  void function(const EventSource& source, uint32_t number);
  // Whether this return address was not seen in the process before.
  bool is_new_place(int32_t pid, uint64_t address) {
    auto& places = processes_[pid].places;
    if (places.size() >= kMostPlaces) places.clear();
    return places.insert(address).second;
  }
  void stack_at_stop(const EventSource& source);

  // What was found out. Others: taping.h.
  template <typename Write>
  void find(Finding kind, Write write) {
    const bool stands_alone = !is_open_;
    if (stands_alone) begin(TapeOp::Note, context_.pid, context_.tid);
    entry_ += static_cast<char>(kind);
    TapeWriter writer(entry_, context_);
    write(writer);
    if (stands_alone) end();
  }
  void keep_memory(bool is_kept) { keeps_memory_ = is_kept; }
  void memory(uint64_t address, std::string_view bytes);
  void own_scope(int32_t pid, uint32_t row, const FunctionInfo& info);
  void saw_maps(int32_t pid, const proc::Maps& maps) override;
  void saw_generated(int32_t pid, const Generated& code) override;
  void saw_link(const std::string& path, const std::string& target) override;

  void forget(int32_t pid);
  // `is_last`: with it the process of the entry that is open has ended.
  void forget_thread(int32_t tid, bool is_last) {
    stacks_.erase(tid);
    if (is_last && flight_ != nullptr) gone_.insert(pid_);
  }
  // A chunk is handed out when it is a second old, or now.
  void flush(uint64_t now);
  void hand_out();

 private:
  static constexpr size_t kMostPlaces = 100'000;
  struct Process {
    const FunctionTable* table = nullptr;
    std::vector<bool> known;
    std::unordered_set<uint32_t> breaks;
    std::unordered_set<uint64_t> places;
    std::unordered_map<uint32_t, std::string> own_rows;
    std::unordered_map<uint32_t, uint32_t> modes;  // by function: its weight, 0: off
  };

  void keep_entry();
  // For what a flight recorder keeps apart from the entry in which it was found.
  template <typename Write>
  void define(int32_t pid, Finding kind, Write write);

  Sink sink_;
  std::unique_ptr<Flight> flight_;
  TapeContext context_;
  bool is_outermost_ = false;
  std::unordered_set<int32_t> gone_;  // processes, until they are forgotten
  std::string entry_, chunk_;
  bool is_open_ = false;
  bool keeps_memory_ = true;
  TapeOp op_ = TapeOp::Note;
  int32_t pid_ = 0, tid_ = 0;
  uint32_t entries_ = 0;
  uint64_t first_time_ = 0;
  std::unordered_map<int32_t, Process> processes_;
  std::unordered_map<int32_t, std::shared_ptr<const Stack>> stacks_;  // by thread: the last one
  std::unordered_map<std::string, std::string> build_ids_;
};

// The tracee's memory; what is read stands on the tape.
class TapedMemory final : public TraceeMemory {
 public:
  TapedMemory(TraceeMemory& live, Tape& tape) : live_(live), tape_(tape) {}
  size_t read(RemoteAddress from, void* to, size_t size) override {
    const size_t got = live_.read(from, to, size);
    if (got != 0) tape_.memory(from.value, {static_cast<const char*>(to), got});
    return got;
  }
  size_t read_text(RemoteAddress from, char* to, size_t size) override {
    const size_t got = live_.read_text(from, to, size);
    const size_t used = std::min(got, strnlen(to, got) + 1);
    if (got != 0) tape_.memory(from.value, {to, used});
    return got;
  }

 private:
  TraceeMemory& live_;
  Tape& tape_;
};

}  // namespace wc
