// -F of a replay: calls of other functions are left out, and what was done in them is told of the
// selected call around them. A live run wraps nothing else in the first place.
#pragma once

#include <cstdint>
#include <functional>
#include <unordered_map>
#include <vector>

#include "wc_backend.h"

namespace wc {

// By exported name and library.
using FunctionChoice = std::function<bool(const char* symbol, const char* library)>;

class FunctionFilter {
 public:
  // No choice: all functions. `keeps_outside`: system calls outside of every selected call.
  FunctionFilter(FunctionChoice choice, bool keeps_outside)
      : choice_(std::move(choice)), keeps_outside_(keeps_outside) {}

  // Each says whether the event is to be reported, and corrects it.
  bool call(wc_call& event);
  bool ret(wc_return& event);
  bool syscall(wc_syscall& event);
  [[nodiscard]] bool totals(const wc_totals& event) const;

 private:
  struct Open {
    uint64_t id;
    bool is_selected;
  };
  FunctionChoice choice_;
  bool keeps_outside_;
  std::unordered_map<int32_t, std::vector<Open>> open_;  // by thread
  std::vector<const char*> chain_;
};

}  // namespace wc
