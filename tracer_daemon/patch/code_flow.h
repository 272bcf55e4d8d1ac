// The instructions of one function, as control flow reaches them from its entry. Data in text and
// bytes that only look like an instruction are not reached.
#pragma once

#include <Zydis/Zydis.h>

#include <cstdint>
#include <vector>

#include "elf/code_image.h"

namespace wc {

struct Instruction {
  uint64_t address = 0;
  ZydisDecodedInstruction info;
  ZydisDecodedOperand operands[ZYDIS_MAX_OPERAND_COUNT];

  [[nodiscard]] uint64_t next() const { return address + info.length; }
};

class CodeFlow {
 public:
  CodeFlow(const Segment& segment, const FunctionRange& function);

  [[nodiscard]] bool reached(uint64_t address) const { return length_of(reached_, address) != 0; }
  // Decoding one instruction after the other from the entry, as a disassembler does: for what only
  // an indirect jump or an unwinder leads to.
  [[nodiscard]] bool in_line(uint64_t address) const { return length_of(in_line_, address) != 0; }
  // Whether an instruction may begin there; where that decoding fails, at any byte.
  [[nodiscard]] bool may_begin(uint64_t address) const {
    return reached(address) || in_line(address) || !in_line_to_end_;
  }
  [[nodiscard]] bool jumps_indirectly() const { return jumps_indirectly_; }

  // How many instructions end where `address` begins; several overlap. `out` is the only one.
  unsigned before(uint64_t address, Instruction& out) const;
  unsigned before_in_line(uint64_t address, Instruction& out) const;

 private:
  using Lengths = std::vector<uint8_t>;  // by distance from the entry; 0: none begins here
  [[nodiscard]] uint8_t length_of(const Lengths& lengths, uint64_t address) const;
  unsigned before(const Lengths& lengths, uint64_t address, Instruction& out) const;
  bool decode(uint64_t address, ZydisDecodedInstruction& out) const;
  void follow(uint64_t from, std::vector<uint64_t>& todo);
  void decode_in_line();

  ZydisDecoder decoder_;
  const Segment& segment_;
  FunctionRange function_;
  Lengths reached_, in_line_;
  bool jumps_indirectly_ = false;
  bool in_line_to_end_ = false;
};

}  // namespace wc
