#include "patch/code_flow.h"

#include <algorithm>

namespace wc {
namespace {

constexpr uint64_t kLongest = ZYDIS_MAX_INSTRUCTION_LENGTH;

bool is_indirect_jump(const ZydisDecodedInstruction& one) {
  return one.meta.category == ZYDIS_CATEGORY_UNCOND_BR && !one.raw.imm[0].is_relative;
}

// Nothing runs on behind it.
bool ends_flow(const ZydisDecodedInstruction& one) {
  return one.meta.category == ZYDIS_CATEGORY_UNCOND_BR || one.meta.category == ZYDIS_CATEGORY_RET ||
         one.mnemonic == ZYDIS_MNEMONIC_UD2 || one.mnemonic == ZYDIS_MNEMONIC_HLT ||
         one.mnemonic == ZYDIS_MNEMONIC_INT3;
}

}  // namespace

CodeFlow::CodeFlow(const Segment& segment, const FunctionRange& function)
    : segment_(segment),
      function_{function.begin, std::min(function.end, segment.end())},
      reached_(function_.end - function_.begin),
      in_line_(function_.end - function_.begin) {
  ZydisDecoderInit(&decoder_, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
  std::vector<uint64_t> todo{function_.begin};
  while (!todo.empty()) {
    uint64_t from = todo.back();
    todo.pop_back();
    follow(from, todo);
  }
  decode_in_line();
}

bool CodeFlow::decode(uint64_t address, ZydisDecodedInstruction& out) const {
  if (address < function_.begin || address >= function_.end) return false;
  // Without operands: a quarter of the cost.
  return ZYAN_SUCCESS(ZydisDecoderDecodeInstruction(&decoder_, nullptr,
                                                    &segment_.bytes[address - segment_.address],
                                                    function_.end - address, &out));
}

void CodeFlow::follow(uint64_t at, std::vector<uint64_t>& todo) {
  ZydisDecodedInstruction one;
  for (; !reached(at) && decode(at, one); at += one.length) {
    reached_[at - function_.begin] = one.length;
    bool branches = one.meta.category == ZYDIS_CATEGORY_UNCOND_BR ||
                    one.meta.category == ZYDIS_CATEGORY_COND_BR;
    if (is_indirect_jump(one))
      jumps_indirectly_ = true;
    else if (branches)
      todo.push_back(at + one.length + one.raw.imm[0].value.u);
    if (ends_flow(one)) return;
  }
}

void CodeFlow::decode_in_line() {
  ZydisDecodedInstruction one;
  uint64_t at = function_.begin;
  for (; decode(at, one); at += one.length) {
    in_line_[at - function_.begin] = one.length;
    if (is_indirect_jump(one)) jumps_indirectly_ = true;
  }
  in_line_to_end_ = at >= function_.end;
}

uint8_t CodeFlow::length_of(const Lengths& lengths, uint64_t address) const {
  return address >= function_.begin && address < function_.end ? lengths[address - function_.begin]
                                                               : uint8_t{0};
}

unsigned CodeFlow::before(const Lengths& lengths, uint64_t address, Instruction& out) const {
  uint64_t found = 0;
  unsigned count = 0;
  for (uint64_t n = 1; n <= kLongest && n <= address - function_.begin; n++)
    if (length_of(lengths, address - n) == n) found = address - n, count++;
  if (count != 1) return count;
  out.address = found;
  bool decoded =
      ZYAN_SUCCESS(ZydisDecoderDecodeFull(&decoder_, &segment_.bytes[found - segment_.address],
                                          function_.end - found, &out.info, out.operands));
  return decoded ? 1 : 0;
}

unsigned CodeFlow::before(uint64_t address, Instruction& out) const {
  return before(reached_, address, out);
}
unsigned CodeFlow::before_in_line(uint64_t address, Instruction& out) const {
  return before(in_line_, address, out);
}

}  // namespace wc
