#include "patch/site_thunk.h"

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
  static_assert(kMaxMoved + 9 + 2 + 2 + 5 <= kThunkInScope);
  for (uint8_t byte : site.moved) put({byte});
  for (const Fixup& fixup : site.fixups)
    fits_ = put_distance(&bytes_[fixup.at], at + fixup.end, fixup.target + bias) && fits_;
  uint64_t back = site.syscall + bias + 2;
  put({0x64, 0x80, 0x3c, 0x25, 0, 0, 0, 0, 0});  // cmpb $0, %fs:selector
  auto selector = static_cast<int32_t>(shim.selector_offset);
  std::memcpy(&bytes_[size_ - 5], &selector, sizeof selector);
  put({0x75, static_cast<uint8_t>(kThunkInScope - size_ - 2)});  // jne in scope
  put({0x0f, 0x05});                                             // syscall
  put({0xe9, 0, 0, 0, 0});                                       // jmp back
  aim(back);
  size_ = kThunkInScope;
  put({0x48, 0x8d, 0x64, 0x24, 0x80});  // lea -128(%rsp), %rsp
  static_assert(kThunkInScope + 5 == kThunkCall);
  put({0xe8, 0, 0, 0, 0});  // call site
  aim(shim.site);
  put({0x48, 0x8d, 0xa4, 0x24, 0x80, 0, 0, 0});  // lea 128(%rsp), %rsp
  static_assert(kThunkCall + 5 + 8 == kThunkCalled);
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
