#include "engine/site_thunk.h"

#include <cstring>

namespace wc {

bool put_distance(uint8_t* at, uint64_t from, uint64_t to) {
  auto distance = static_cast<int64_t>(to - from);
  auto narrow = static_cast<int32_t>(distance);
  std::memcpy(at, &narrow, sizeof narrow);
  return narrow == distance;
}

SiteThunk::SiteThunk(const SyscallSite& site, uint64_t bias, uint64_t at, const ShimAddresses& shim)
    : at_(at) {
  static_assert(kMaxMoved + 7 + 9 + 6 + 2 + 5 <= kThunkBack);
  for (uint8_t byte : site.moved) put({byte});
  for (const Fixup& fixup : site.fixups)
    fits_ = put_distance(&bytes_[fixup.at], at + fixup.end, fixup.target + bias) && fits_;
  uint64_t back = site.syscall + bias + 2;
  size_t lea = size_;
  put({0x48, 0x8d, 0x0d, 0, 0, 0, 0});           // lea back(%rip), %rcx
  put({0x64, 0x80, 0x3c, 0x25, 0, 0, 0, 0, 0});  // cmpb $0, %fs:selector
  auto selector = static_cast<int32_t>(shim.selector_offset);
  std::memcpy(&bytes_[size_ - 5], &selector, sizeof selector);
  put({0x0f, 0x85, 0, 0, 0, 0});  // jne site
  aim(shim.site);
  put({0x0f, 0x05});  // syscall
  put_distance(&bytes_[lea + 3], at + lea + 7, at + kThunkBack);
  put({0xe9, 0, 0, 0, 0});  // jmp back
  aim(back);
  std::memcpy(&bytes_[kThunkBack], &back, sizeof back);
}

void SiteThunk::put(std::initializer_list<uint8_t> bytes) {
  for (uint8_t byte : bytes) bytes_[size_++] = byte;
}

void SiteThunk::aim(uint64_t to) {
  fits_ = put_distance(&bytes_[size_ - 4], at_ + size_, to) && fits_;
}

}  // namespace wc
