// Functions of interpreters in the stacks of the processes that run them: which process has which
// interpreter, and what was said of those that cannot be read. One thread at a time.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/tracee_memory.h"
#include "symbols/unwinder.h"

namespace wc {

// --frames. Auto: Python's functions where they can be read; else nothing is missed.
enum class FrameChoice { Native, Python, Auto };

class Interpreters {
 public:
  explicit Interpreters(FrameChoice choice);
  ~Interpreters();
  Interpreters(Interpreters&&) noexcept;
  Interpreters& operator=(Interpreters&&) noexcept;

  [[nodiscard]] bool wanted() const;

  struct Where {
    int32_t pid = 0, tid = 0;
    uint64_t map_generation = 0;  // another number each time the map of the process was read
  };
  // The thread stands where `native` was taken; `depth`: of frames that are shown.
  Stack with_functions(const Where& where, TraceeMemory& memory, Stack native, unsigned depth);
  // Whether the process, which has loaded what it needs, must stand still for each of its stacks.
  // With FrameChoice::Python any process must: an interpreter may come later, by dlopen(3).
  bool needs_stops(int32_t pid, TraceeMemory& memory);
  void forget(int32_t pid);

  // What is to be said of versions that are not known, and of stops, each once.
  std::vector<std::string> take_warnings();
  // At the end; empty: nothing was missed.
  [[nodiscard]] std::string last_word() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace wc
