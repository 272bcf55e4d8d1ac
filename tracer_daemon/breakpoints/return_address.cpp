#include "breakpoints/return_address.h"

#include <Zydis/Zydis.h>

#include <algorithm>
#include <array>
#include <optional>

namespace wc {
namespace {

constexpr uint8_t kCallRelative = 0xe8, kGroup5 = 0xff;
constexpr size_t kCallRelativeSize = 5;

// The size of `ff /2 ...` (call through a register or memory) whose ModR/M byte is the first of
// `rest`; 0: it is another instruction of the group, or does not fit.
size_t indirect_call_size(std::span<const uint8_t> rest) {
  constexpr unsigned kCallNear = 2, kHasSib = 4, kNoBase = 5;
  const unsigned mod = rest[0] >> 6, operation = rest[0] >> 3 & 7, rm = rest[0] & 7;
  if (operation != kCallNear) return 0;
  if (mod == 3) return 2;
  const bool has_sib = rm == kHasSib;
  if (has_sib && rest.size() < 2) return 0;
  const bool has_no_base = mod == 0 && (has_sib ? rest[1] & 7 : rm) == kNoBase;
  const size_t displacement = mod == 1 ? 1 : mod == 2 || has_no_base ? 4 : 0;
  return 2 + (has_sib ? 1 : 0) + displacement;
}

}  // namespace

bool ends_with_call(std::span<const uint8_t> before) {
  const size_t size = before.size();
  if (size >= kCallRelativeSize && before[size - kCallRelativeSize] == kCallRelative) return true;
  for (size_t length = 2; length <= std::min(size, kLongestCall); length++)
    if (before[size - length] == kGroup5 &&
        indirect_call_size(before.subspan(size - length + 1)) == length)
      return true;
  return false;
}

bool is_signal_return(std::span<const uint8_t> code) {
  // mov $15, %rax (musl and others: %eax); syscall
  constexpr std::array<uint8_t, kSignalReturnSize> kLong = {0x48, 0xc7, 0xc0, 0x0f, 0,
                                                            0,    0,    0x0f, 0x05};
  constexpr std::array<uint8_t, 7> kShort = {0xb8, 0x0f, 0, 0, 0, 0x0f, 0x05};
  auto begins_with = [&](std::span<const uint8_t> what) {
    return code.size() >= what.size() && std::equal(what.begin(), what.end(), code.begin());
  };
  return begins_with(kLong) || begins_with(kShort);
}

namespace {

// Where a direct branch leads to, from the beginning of the code.
std::optional<int64_t> target_of(const ZydisDecodedInstruction& info,
                                 const ZydisDecodedOperand& operand, size_t at) {
  const bool is_branch = info.meta.category == ZYDIS_CATEGORY_COND_BR ||
                         info.meta.category == ZYDIS_CATEGORY_UNCOND_BR;
  if (!is_branch || operand.type != ZYDIS_OPERAND_TYPE_IMMEDIATE || !operand.imm.is_relative)
    return std::nullopt;
  return static_cast<int64_t>(at + info.length) + operand.imm.value.s;
}

bool ends_flow(const ZydisDecodedInstruction& info) {
  return info.meta.category == ZYDIS_CATEGORY_RET ||
         info.meta.category == ZYDIS_CATEGORY_UNCOND_BR || info.mnemonic == ZYDIS_MNEMONIC_UD2;
}

}  // namespace

bool branches_to_its_entry(std::span<const uint8_t> code) {
  ZydisDecoder decoder;
  ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
  int64_t farthest = 0;  // that a branch of the function leads to
  ZydisDecodedInstruction info;
  std::array<ZydisDecodedOperand, ZYDIS_MAX_OPERAND_COUNT> operands{};
  for (size_t at = 0; at < code.size(); at += info.length) {
    if (!ZYAN_SUCCESS(ZydisDecoderDecodeFull(&decoder, code.data() + at, code.size() - at, &info,
                                             operands.data())))
      return false;
    auto target = target_of(info, operands[0], at);
    if (target == 0) return true;
    const bool is_far = target && *target > static_cast<int64_t>(code.size());
    const bool jumps_away = target && info.meta.category == ZYDIS_CATEGORY_UNCOND_BR;
    if (target && !is_far && !jumps_away) farthest = std::max(farthest, *target);
    if (ends_flow(info) && farthest <= static_cast<int64_t>(at)) return false;
  }
  return false;
}

}  // namespace wc
