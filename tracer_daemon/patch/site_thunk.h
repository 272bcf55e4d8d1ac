// Engine inproc: the code that a patched site jumps to. preload_lib/site.S shows one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>

#include "patch/syscall_sites.h"
#include "protocol/code_layout.h"
#include "tracee/tracee.h"

namespace wc {

inline constexpr size_t kThunkSize = WC_THUNK_SIZE;
inline constexpr size_t kThunkInScope = WC_THUNK_IN_SCOPE;
inline constexpr size_t kThunkCall = WC_THUNK_CALL, kThunkCalled = WC_THUNK_CALLED;
inline constexpr size_t kThunkBack = WC_THUNK_BACK;

// Both must be within 2 GiB of each other; false: they are not.
bool put_distance(uint8_t* at, uint64_t from, uint64_t to);

class SiteThunk {
 public:
  // `bias`: what is added to an address as in the file. `at`: where the thunk will stand.
  SiteThunk(const SyscallSite& site, uint64_t bias, uint64_t at, const ShimAddresses& shim);
  // False: something that it leads to is too far away.
  [[nodiscard]] bool fits() const { return fits_; }
  [[nodiscard]] const uint8_t* bytes() const { return bytes_; }

 private:
  void put(std::initializer_list<uint8_t> bytes);
  void aim(uint64_t to);

  uint64_t at_;
  uint8_t bytes_[kThunkSize] = {};
  size_t size_ = 0;
  bool fits_ = true;
};

}  // namespace wc
