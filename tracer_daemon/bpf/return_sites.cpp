#include "bpf/return_sites.h"

#include <Zydis/Zydis.h>

#include <algorithm>
#include <optional>

namespace wc {
namespace {

// Where a branch goes; nothing: the instruction does not say.
std::optional<uint64_t> target_of(const ZydisDecodedInstruction& instruction,
                                  const ZydisDecodedOperand& operand, uint64_t at) {
  ZyanU64 target = 0;
  if (operand.type != ZYDIS_OPERAND_TYPE_IMMEDIATE ||
      !ZYAN_SUCCESS(ZydisCalcAbsoluteAddress(&instruction, &operand, at, &target)))
    return std::nullopt;
  return target;
}

// push of a register, the short nop, and jumps that say where they go (arch/x86/kernel/uprobes.c).
bool is_emulated(const ZydisDecodedInstruction& one) {
  const uint8_t code = one.opcode;
  if (one.opcode_map == ZYDIS_OPCODE_MAP_0F) return code >= 0x80 && code <= 0x8f;
  if (one.opcode_map != ZYDIS_OPCODE_MAP_DEFAULT) return false;
  return (code >= 0x50 && code <= 0x57) || (code >= 0x70 && code <= 0x7f) || code == 0x90 ||
         code == 0xe8 || code == 0xe9 || code == 0xeb;
}

// Whether a probe behind it would see something else than the call.
bool changes_the_call(const ZydisDecodedInstruction& one, const ZydisDecodedOperand* operands) {
  constexpr ZydisRegister kKept[] = {ZYDIS_REGISTER_RDI, ZYDIS_REGISTER_RSI, ZYDIS_REGISTER_RDX,
                                     ZYDIS_REGISTER_RCX, ZYDIS_REGISTER_R8,  ZYDIS_REGISTER_R9,
                                     ZYDIS_REGISTER_RSP, ZYDIS_REGISTER_RBP, ZYDIS_REGISTER_R14};
  if (one.meta.branch_type != ZYDIS_BRANCH_TYPE_NONE ||
      one.meta.category == ZYDIS_CATEGORY_SYSCALL || one.meta.category == ZYDIS_CATEGORY_RET)
    return true;
  for (int i = 0; i < one.operand_count; i++) {
    const ZydisDecodedOperand& operand = operands[i];
    if ((operand.actions & ZYDIS_OPERAND_ACTION_MASK_WRITE) == 0) continue;
    if (operand.type == ZYDIS_OPERAND_TYPE_MEMORY) return true;
    if (operand.type != ZYDIS_OPERAND_TYPE_REGISTER) continue;
    const ZydisRegister whole =
        ZydisRegisterGetLargestEnclosing(ZYDIS_MACHINE_MODE_LONG_64, operand.reg.value);
    if (std::ranges::find(kKept, whole) != std::end(kKept)) return true;
  }
  return false;
}

}  // namespace

uint64_t find_entry(std::span<const uint8_t> code, uint64_t begin) {
  constexpr int kMostInstructions = 8;
  ZydisDecoder decoder;
  ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
  ZydisDecodedInstruction one;
  ZydisDecodedOperand operands[ZYDIS_MAX_OPERAND_COUNT];
  uint64_t first = begin, found = 0;
  std::vector<uint64_t> targets;
  size_t at = 0;
  for (int count = 0; at < code.size(); at += one.length, count++) {
    const uint64_t place = begin + at;
    if (!ZYAN_SUCCESS(
            ZydisDecoderDecodeFull(&decoder, code.data() + at, code.size() - at, &one, operands)))
      return first;
    if (const auto target = target_of(one, operands[0], place);
        target && one.meta.branch_type != ZYDIS_BRANCH_TYPE_NONE)
      targets.push_back(*target);
    if (count == 0 && one.mnemonic == ZYDIS_MNEMONIC_ENDBR64) first = place + one.length;
    if (found != 0) continue;
    if (is_emulated(one))
      found = place;
    else if (changes_the_call(one, operands) || count == kMostInstructions)
      return first;
  }
  // Who comes back to it, or in between, is no call.
  const bool is_reached_otherwise = std::ranges::any_of(
      targets, [&](uint64_t target) { return target > begin && target <= found; });
  return found == 0 || is_reached_otherwise ? first : found;
}

ReturnSites find_returns(std::span<const uint8_t> code, uint64_t begin) {
  ReturnSites sites;
  sites.by_address = false;
  ZydisDecoder decoder;
  ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
  ZydisDecodedInstruction one;
  ZydisDecodedOperand operands[ZYDIS_MAX_OPERAND_COUNT];
  const uint64_t end = begin + code.size();
  for (size_t at = 0; at < code.size(); at += one.length) {
    const uint64_t place = begin + at;
    if (!ZYAN_SUCCESS(
            ZydisDecoderDecodeFull(&decoder, code.data() + at, code.size() - at, &one, operands)))
      return {false, false, {}, {}, {}};  // data in the text: what follows may be no instruction
    const bool is_branch = one.meta.category == ZYDIS_CATEGORY_UNCOND_BR ||
                           one.meta.category == ZYDIS_CATEGORY_COND_BR;
    if (one.mnemonic == ZYDIS_MNEMONIC_RET) sites.rets.push_back(place);
    if (!is_branch) continue;
    const auto target = target_of(one, operands[0], place);
    if (target && *target >= begin && *target < end) continue;
    sites.jumps.push_back(place);
    if (target) sites.targets.push_back(*target);
  }
  return sites;
}

}  // namespace wc
