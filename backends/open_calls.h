// The calls that are open, by thread, as the events of a backend say it. A return may be missing
// (events were lost) or a call unknown (the backend joined late): the next event that names a call
// or a depth puts that right.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <unordered_map>
#include <vector>

namespace wc::backends {

struct Name;  // summary_rows.h

struct OpenCall {
  uint64_t id = 0;
  uint64_t ts = 0;
  int32_t pid = 0;
  const Name* function = nullptr;
  const Name* row = nullptr;  // of the summary, in which it counts; null: in none
  unsigned phase = 0;         // in which it began
};

class OpenCalls {
 public:
  using Ended = std::function<void(const OpenCall& call, std::span<const OpenCall> around)>;

  // What stands at this depth or deeper has ended unseen.
  void enter(int32_t tid, uint32_t depth, const OpenCall& call);
  // The call and those around it, outermost first; empty: it is not known. Calls inside of it have
  // ended unseen.
  std::span<const OpenCall> up_to(int32_t tid, uint64_t id);
  // After up_to(): that call has ended.
  void leave(int32_t tid);
  void forget_thread(int32_t tid) { threads_.erase(tid); }
  void forget_process(int32_t pid);
  // Each call with those around it.
  void for_each(const Ended& visit) const;

 private:
  std::unordered_map<int32_t, std::vector<OpenCall>> threads_;
};

}  // namespace wc::backends
