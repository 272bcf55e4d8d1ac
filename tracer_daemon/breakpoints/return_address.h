// What a word on top of a thread's stack is, when the thread stands at a function's first
// instruction: where a call returns to, or something else. Pure; Zydis decodes.
//
// Source: Intel SDM volume 2, CALL and ModR/M encodings; sigreturn(2).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace wc {

// As many bytes in front of a return address as the longest call has that matters here.
inline constexpr size_t kLongestCall = 7;
// Of a trampoline that makes rt_sigreturn(2).
inline constexpr size_t kSignalReturnSize = 9;

// `before`: what ends where the address begins. A direct or an indirect near call ends there.
bool ends_with_call(std::span<const uint8_t> before);

// `code` begins at the address: the kernel has put it there, as a handler's return address.
bool is_signal_return(std::span<const uint8_t> code);

// `code`: a function from its entry on, and what stands behind it. Whether one of its own branches
// leads back to its first instruction: a loop, whose rounds are no calls.
bool branches_to_its_entry(std::span<const uint8_t> code);

}  // namespace wc
