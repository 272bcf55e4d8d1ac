#include "policy_record.h"

#include "escape.h"

namespace wc::backends {

namespace {

constexpr uint32_t kI386 = 0x20000000;  // set in wc_syscall.nr: of the 32-bit entry

}  // namespace

void PolicyRecord::call(const wc_call& event) {
  const auto parent = calls_.find(event.parent);
  Syscalls* made = nullptr;
  if (by_ == By::Function)
    made =
        &places_[{event.kind, std::string(view(event.function)), std::string(view(event.library))}];
  else if (parent != calls_.end())
    made = parent->second.made;  // what counts is who made the outermost call
  else
    made = &places_[{WC_FUNCTION_WRAPPED, "", std::string(basename_of(view(event.caller.object)))}];
  calls_[event.id] = {parent != calls_.end() ? event.parent : 0, made};
}

// A rule holds while its function is open, so what a nested call makes is made by those around it,
// too.
void PolicyRecord::syscall(const wc_syscall& event) {
  // A rule has answered it: it was tried, and not made.
  if ((event.flags & WC_SYSCALL_INJECTED) != 0) return;
  std::string name(view(event.name));
  if ((event.nr & kI386) != 0) {
    of_i386_.insert(std::move(name));
    return;
  }
  (event.call != 0 ? in_calls_ : outside_).insert(name);
  for (auto call = calls_.find(event.call); call != calls_.end();
       call = calls_.find(call->second.parent)) {
    call->second.made->insert(name);
    if (by_ == By::Object) break;
  }
}

void PolicyRecord::process(const wc_process& event) {
  if ((event.event == WC_PROCESS_START || event.event == WC_PROCESS_EXEC) && event.path != nullptr)
    programs_.emplace(basename_of(event.path));
  has_threads_ = has_threads_ || (event.event == WC_PROCESS_FORK && event.thread != 0);
}

// A function that made no system call is one that may make none.
void PolicyRecord::totals(const wc_totals& event) {
  if (by_ != By::Function || event.calls == 0) return;
  places_.try_emplace(
      {event.kind, std::string(view(event.function)), std::string(view(event.library))});
}

}  // namespace wc::backends
