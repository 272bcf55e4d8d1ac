// A copy of a call's event, with everything that it points to: events are valid during their
// callback only.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "backend_host/backend_set.h"
#include "wc_backend.h"

namespace wc {

class KeptCall {
 public:
  explicit KeptCall(const wc_call& event);
  KeptCall(const KeptCall&) = delete;
  KeptCall& operator=(const KeptCall&) = delete;
  KeptCall(KeptCall&&) noexcept = default;
  KeptCall& operator=(KeptCall&&) noexcept = default;

  [[nodiscard]] const wc_call& event() const { return event_; }

 private:
  const char* keep(const char* text);
  wc_caller keep(wc_caller caller);

  wc_call event_;
  std::deque<std::string> texts_;  // never moves what it holds
  std::vector<wc_arg> args_;
  std::vector<wc_stack_frame> frames_;
};

}  // namespace wc
