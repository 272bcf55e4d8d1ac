#include "bpf/return_sites.h"

#include <Zydis/Zydis.h>

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

}  // namespace

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
