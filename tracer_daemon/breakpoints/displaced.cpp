#include "breakpoints/displaced.h"

#include <Zydis/Zydis.h>

#include <algorithm>
#include <cstring>

namespace wc {
namespace {

struct Instruction {
  ZydisDecodedInstruction info;
  ZydisDecodedOperand operands[ZYDIS_MAX_OPERAND_COUNT];
};

// Writes a thunk; remembers when something was out of reach.
class Thunk {
 public:
  Thunk(uint64_t from, uint64_t to, size_t length) : from_(from), to_(to) {
    out_.length = static_cast<uint8_t>(length);
  }

  // From here on a thread is, seen by the program, at `original`.
  void mark(uint64_t original, uint8_t undo_push = 0) {
    out_.places[out_.place_count++] = {out_.size, undo_push, original};
  }
  void put(std::initializer_list<uint8_t> bytes) { put(std::span(bytes.begin(), bytes.size())); }
  void put(std::span<const uint8_t> bytes) {
    for (uint8_t byte : bytes) out_.code[out_.size++] = byte;
  }
  void put32(uint32_t value) {
    put({static_cast<uint8_t>(value), static_cast<uint8_t>(value >> 8),
         static_cast<uint8_t>(value >> 16), static_cast<uint8_t>(value >> 24)});
  }
  // The four bytes at `at` become the distance to `target` from `end`, both offsets of the thunk.
  void aim(size_t at, size_t end, uint64_t target) {
    auto distance = static_cast<int64_t>(target - (to_ + end));
    auto narrow = static_cast<int32_t>(distance);
    std::memcpy(&out_.code[at], &narrow, sizeof narrow);
    fits_ = fits_ && narrow == distance;
  }
  void jump(uint64_t target) {
    put({0xe9, 0, 0, 0, 0});
    aim(out_.size - 4u, out_.size, target);
  }
  void jump_behind() {
    mark(behind());
    jump(behind());
  }
  // The return address that a call in its own place would leave. The flags stay as they are.
  void push_return() {
    put({0x48, 0x8d, 0x64, 0x24, 0xf8});  // lea -8(%rsp), %rsp
    mark(from_, 8);
    put({0xc7, 0x04, 0x24});  // movl $low, (%rsp)
    put32(static_cast<uint32_t>(behind()));
    mark(from_, 8);
    put({0xc7, 0x44, 0x24, 0x04});  // movl $high, 4(%rsp)
    put32(static_cast<uint32_t>(behind() >> 32));
    mark(from_, 8);
  }
  [[nodiscard]] uint64_t behind() const { return from_ + out_.length; }
  [[nodiscard]] size_t size() const { return out_.size; }
  [[nodiscard]] bool fits() const { return fits_; }
  [[nodiscard]] const Displaced& result() const { return out_; }
  uint8_t& byte(size_t at) { return out_.code[at]; }

 private:
  uint64_t from_, to_;
  Displaced out_;
  bool fits_ = true;
};

std::optional<uint64_t> branch_target(const Instruction& one, uint64_t from) {
  ZyanU64 target = 0;
  if (one.operands[0].type != ZYDIS_OPERAND_TYPE_IMMEDIATE || !one.operands[0].imm.is_relative ||
      ZYAN_FAILED(ZydisCalcAbsoluteAddress(&one.info, &one.operands[0], from, &target)))
    return std::nullopt;
  return target;
}

// Appends it as it is, but for a distance from rip.
bool copy(const Instruction& one, std::span<const uint8_t> bytes, uint64_t from, Thunk& thunk) {
  size_t start = thunk.size();
  thunk.put(bytes.first(one.info.length));
  if (!(one.info.attributes & ZYDIS_ATTRIB_IS_RELATIVE)) return true;
  for (unsigned i = 0; i < one.info.operand_count; i++) {
    const ZydisDecodedOperand& operand = one.operands[i];
    if (operand.type != ZYDIS_OPERAND_TYPE_MEMORY || operand.mem.base != ZYDIS_REGISTER_RIP)
      continue;
    ZyanU64 target = 0;
    if (one.info.raw.disp.size != 32 ||
        ZYAN_FAILED(ZydisCalcAbsoluteAddress(&one.info, &operand, from, &target)))
      return false;
    thunk.aim(start + one.info.raw.disp.offset, start + one.info.length, target);
    return true;
  }
  return false;
}

bool uses_stack_pointer(const ZydisDecodedOperand& operand) {
  return (operand.type == ZYDIS_OPERAND_TYPE_REGISTER && operand.reg.value == ZYDIS_REGISTER_RSP) ||
         (operand.type == ZYDIS_OPERAND_TYPE_MEMORY && operand.mem.base == ZYDIS_REGISTER_RSP);
}

bool move_call(const Instruction& one, std::span<const uint8_t> bytes, uint64_t from,
               Thunk& thunk) {
  if (auto target = branch_target(one, from)) {
    thunk.push_return();
    thunk.jump(*target);
    return true;
  }
  // By register or memory: ff /2. The same as a jump: ff /4.
  if (one.info.opcode != 0xff || one.info.raw.modrm.reg != 2 ||
      uses_stack_pointer(one.operands[0]) || (one.info.attributes & ZYDIS_ATTRIB_HAS_SEGMENT))
    return false;
  thunk.push_return();
  size_t start = thunk.size();
  if (!copy(one, bytes, from, thunk)) return false;
  uint8_t& modrm = thunk.byte(start + one.info.raw.modrm.offset);
  modrm = static_cast<uint8_t>((modrm & ~0x38) | 4 << 3);
  return true;
}

bool move_condition(const Instruction& one, std::span<const uint8_t> bytes, uint64_t from,
                    Thunk& thunk) {
  auto target = branch_target(one, from);
  if (!target) return false;
  bool has_long_form = one.info.opcode_map == ZYDIS_OPCODE_MAP_DEFAULT ? one.info.opcode >> 4 == 7
                                                                       : one.info.opcode >> 4 == 8;
  if (has_long_form) {
    thunk.put({0x0f, static_cast<uint8_t>(0x80 | (one.info.opcode & 15)), 0, 0, 0, 0});
    thunk.aim(thunk.size() - 4, thunk.size(), *target);
    thunk.jump_behind();
    return true;
  }
  bool is_short_only = one.info.opcode_map == ZYDIS_OPCODE_MAP_DEFAULT && one.info.opcode >= 0xe0 &&
                       one.info.opcode <= 0xe3;
  if (!is_short_only) return false;
  // loop, jrcxz: over the jump behind.
  thunk.put(bytes.first(one.info.length));
  thunk.byte(thunk.size() - 1) = 5;
  thunk.jump_behind();
  thunk.mark(*target);
  thunk.jump(*target);
  return true;
}

// What is said of an instruction that must run in its own place: the kernel tells where it was.
bool enters_kernel(const Instruction& one) {
  return one.info.meta.category == ZYDIS_CATEGORY_SYSCALL ||
         one.info.mnemonic == ZYDIS_MNEMONIC_INT;
}

}  // namespace

std::optional<DisplacedPlace> Displaced::place(uint64_t offset) const {
  for (size_t i = 0; i < place_count; i++)
    if (places[i].offset == offset) return places[i];
  return std::nullopt;
}

Result<Displaced> displace(std::span<const uint8_t> bytes, uint64_t from, uint64_t to) {
  ZydisDecoder decoder;
  ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
  Instruction one;
  if (ZYAN_FAILED(
          ZydisDecoderDecodeFull(&decoder, bytes.data(), bytes.size(), &one.info, one.operands)))
    return Error{"no instruction stands there", 0};
  if (enters_kernel(one)) return Error{"a system call stands there", 0};
  Thunk thunk(from, to, one.info.length);
  thunk.mark(from);
  bool moved = false;
  switch (one.info.meta.category) {
    case ZYDIS_CATEGORY_CALL:
      moved = move_call(one, bytes, from, thunk);
      break;
    case ZYDIS_CATEGORY_COND_BR:
      moved = move_condition(one, bytes, from, thunk);
      break;
    case ZYDIS_CATEGORY_UNCOND_BR:
      if (auto target = branch_target(one, from)) {
        thunk.jump(*target);
        moved = true;
        break;
      }
      moved = copy(one, bytes, from, thunk);
      break;
    default:
      moved = copy(one, bytes, from, thunk);
      thunk.jump_behind();
  }
  if (!moved) return Error{"the instruction there cannot be moved", 0};
  if (!thunk.fits()) return Error{"what the instruction there refers to is too far away", 0};
  return thunk.result();
}

}  // namespace wc
