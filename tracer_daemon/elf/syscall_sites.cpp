#include "elf/syscall_sites.h"

#include <Zydis/Zydis.h>
#include <fcntl.h>

#include <algorithm>
#include <cstring>
#include <optional>
#include <unordered_set>

#include "base/scoped_fd.h"
#include "elf/elf_handle.h"

namespace wc {
namespace {

struct Instruction {
  uint64_t address = 0;
  ZydisDecodedInstruction info;
  ZydisDecodedOperand operands[ZYDIS_MAX_OPERAND_COUNT];
};

class Code {
 public:
  Code(const std::vector<uint8_t>& bytes, uint64_t address) : bytes_(bytes), address_(address) {
    ZydisDecoderInit(&decoder_, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
  }
  [[nodiscard]] const uint8_t* at(uint64_t address) const { return &bytes_[address - address_]; }
  [[nodiscard]] uint64_t begin() const { return address_; }
  [[nodiscard]] uint64_t end() const { return address_ + bytes_.size(); }

  bool decode(uint64_t address, Instruction& out) const {
    out.address = address;
    return address < end() &&
           ZYAN_SUCCESS(ZydisDecoderDecodeFull(&decoder_, at(address), end() - address, &out.info,
                                               out.operands));
  }
  // Without operands: a quarter of the cost.
  bool decode(uint64_t address, ZydisDecodedInstruction& out) const {
    return address < end() && ZYAN_SUCCESS(ZydisDecoderDecodeInstruction(
                                  &decoder_, nullptr, at(address), end() - address, &out));
  }

 private:
  const std::vector<uint8_t>& bytes_;
  uint64_t address_;
  ZydisDecoder decoder_;
};

bool is_branch(const Instruction& one) {
  switch (one.info.meta.category) {
    case ZYDIS_CATEGORY_CALL:
    case ZYDIS_CATEGORY_RET:
    case ZYDIS_CATEGORY_UNCOND_BR:
    case ZYDIS_CATEGORY_COND_BR:
    case ZYDIS_CATEGORY_SYSCALL:
    case ZYDIS_CATEGORY_INTERRUPT:
      return true;
    default:
      return false;
  }
}

// jne and its kin; loop and jrcxz have no long form.
bool is_condition(const Instruction& one) {
  return one.info.meta.category == ZYDIS_CATEGORY_COND_BR &&
         (one.info.opcode_map == ZYDIS_OPCODE_MAP_DEFAULT ? one.info.opcode >> 4 == 7
                                                          : one.info.opcode >> 4 == 8);
}

bool writes_rax(const Instruction& one) {
  for (unsigned i = 0; i < one.info.operand_count; i++) {
    const ZydisDecodedOperand& operand = one.operands[i];
    if (operand.type == ZYDIS_OPERAND_TYPE_REGISTER &&
        operand.actions & ZYDIS_OPERAND_ACTION_MASK_WRITE &&
        ZydisRegisterGetLargestEnclosing(ZYDIS_MACHINE_MODE_LONG_64, operand.reg.value) ==
            ZYDIS_REGISTER_RAX)
      return true;
  }
  return false;
}

// mov $nr, %eax; xor %eax, %eax.
std::optional<uint32_t> sets_number(const Instruction& one) {
  bool is_eax = one.operands[0].type == ZYDIS_OPERAND_TYPE_REGISTER &&
                (one.operands[0].reg.value == ZYDIS_REGISTER_EAX ||
                 one.operands[0].reg.value == ZYDIS_REGISTER_RAX);
  if (!is_eax) return std::nullopt;
  if (one.info.mnemonic == ZYDIS_MNEMONIC_MOV &&
      one.operands[1].type == ZYDIS_OPERAND_TYPE_IMMEDIATE)
    return static_cast<uint32_t>(one.operands[1].imm.value.u);
  if (one.info.mnemonic == ZYDIS_MNEMONIC_XOR &&
      one.operands[1].type == ZYDIS_OPERAND_TYPE_REGISTER &&
      one.operands[1].reg.value == one.operands[0].reg.value)
    return 0;
  return std::nullopt;
}

// Appends the instruction as it must read elsewhere.
bool move_instruction(const Code& code, const Instruction& one, SyscallSite& site) {
  const uint8_t* bytes = code.at(one.address);
  ZyanU64 target = 0;
  if (is_condition(one)) {
    if (ZYAN_FAILED(ZydisCalcAbsoluteAddress(&one.info, &one.operands[0], one.address, &target)))
      return false;
    site.moved.push_back(0x0f);
    site.moved.push_back(static_cast<uint8_t>(0x80 | (one.info.opcode & 15)));
    auto at = static_cast<uint8_t>(site.moved.size());
    site.moved.insert(site.moved.end(), 4, 0);
    site.fixups.push_back({at, static_cast<uint8_t>(site.moved.size()), target});
    return true;
  }
  if (is_branch(one)) return false;
  auto start = site.moved.size();
  site.moved.insert(site.moved.end(), bytes, bytes + one.info.length);
  if (!(one.info.attributes & ZYDIS_ATTRIB_IS_RELATIVE)) return true;
  for (unsigned i = 0; i < one.info.operand_count; i++) {
    if (one.operands[i].type != ZYDIS_OPERAND_TYPE_MEMORY ||
        one.operands[i].mem.base != ZYDIS_REGISTER_RIP)
      continue;
    if (one.info.raw.disp.size != 32 ||
        ZYAN_FAILED(ZydisCalcAbsoluteAddress(&one.info, &one.operands[i], one.address, &target)))
      return false;
    site.fixups.push_back({static_cast<uint8_t>(start + one.info.raw.disp.offset),
                           static_cast<uint8_t>(site.moved.size()), target});
    return true;
  }
  return false;
}

// The last instructions of one function up to `syscall`, in order; empty when they do not lead
// there.
std::vector<Instruction> lead_to(const Code& code, uint64_t from, uint64_t syscall) {
  constexpr size_t kEnough = kMaxMoved + 1;  // an instruction has a byte at least
  std::vector<uint64_t> addresses;
  ZydisDecodedInstruction one;
  for (; from < syscall; from += one.length) {
    if (!code.decode(from, one)) return {};
    addresses.push_back(from);
  }
  if (from != syscall) return {};
  std::vector<Instruction> list(std::min(addresses.size(), kEnough));
  for (size_t i = 0; i < list.size(); i++)
    if (!code.decode(addresses[addresses.size() - list.size() + i], list[i])) return {};
  return list;
}

// Chooses what is moved: back to the instruction that sets eax, and on until a jump fits. Returns
// why not, or null.
const char* choose_window(const Code& code, const std::vector<Instruction>& before,
                          SyscallSite& site) {
  size_t first = before.size();
  bool has_number = false;
  while (!has_number || site.syscall - before[first].address < kJumpSize) {
    if (first == 0) return "no instruction before it sets eax to a number";
    const Instruction& one = before[--first];
    if (is_branch(one) && !is_condition(one)) return "a call or jump stands too near before it";
    if (has_number) continue;
    if (auto nr = sets_number(one)) {
      site.nr = *nr;
      has_number = true;
    } else if (writes_rax(one)) {
      return "its number is not known before it runs";
    }
  }
  site.start = before[first].address;
  for (size_t i = first; i < before.size(); i++)
    if (!move_instruction(code, before[i], site)) return "an instruction before it cannot be moved";
  if (site.moved.size() > kMaxMoved) return "the instructions before it are too long for a thunk";
  site.original.assign(code.at(site.start), code.at(site.syscall));
  return nullptr;
}

// Whatever might be a direct branch, at any byte: more than there are, never fewer.
class BranchTargets {
 public:
  BranchTargets(const Code& code, const std::unordered_set<uint64_t>& interesting)
      : begin_(code.begin()), interesting_(code.end() - code.begin()) {
    for (uint64_t address : interesting) interesting_[address - begin_] = true;
    for (uint64_t at = code.begin(); at + 2 <= code.end(); at++) {
      const uint8_t* p = code.at(at);
      uint64_t left = code.end() - at;
      if (*p == 0xeb || *p >> 4 == 7 || (*p >= 0xe0 && *p <= 0xe3))
        note(at + 2 + static_cast<uint64_t>(static_cast<int64_t>(static_cast<int8_t>(p[1]))));
      else if (left >= 5 && (*p == 0xe8 || *p == 0xe9))
        note(at + 5 + distance(p + 1));
      else if (left >= 6 && *p == 0x0f && p[1] >> 4 == 8)
        note(at + 6 + distance(p + 2));
    }
  }
  [[nodiscard]] bool contains(uint64_t address) const { return found_.count(address) != 0; }

 private:
  static uint64_t distance(const uint8_t* at) {
    int32_t value;
    std::memcpy(&value, at, sizeof value);
    return static_cast<uint64_t>(static_cast<int64_t>(value));
  }
  void note(uint64_t target) {
    uint64_t at = target - begin_;
    if (at < interesting_.size() && interesting_[at]) found_.insert(target);
  }
  uint64_t begin_;
  std::vector<bool> interesting_;
  std::unordered_set<uint64_t> found_;
};

struct Candidate {
  SyscallSite site;
  std::vector<uint64_t> inside;  // where instructions begin, but for the first
  bool has_jump_table = false;   // its function jumps to places that are not seen
};

bool jumps_indirectly(const Code& code, uint64_t from, uint64_t to) {
  ZydisDecodedInstruction one;
  for (; from < to && code.decode(from, one); from += one.length)
    if (one.opcode_map == ZYDIS_OPCODE_MAP_DEFAULT && one.opcode == 0xff &&
        (one.raw.modrm.reg == 4 || one.raw.modrm.reg == 5))
      return true;
  return false;
}

// Function starts from .eh_frame_hdr, a sorted table for binary search.
std::vector<uint64_t> function_starts(Elf* elf) {
  std::vector<uint64_t> starts;
  size_t count = 0;
  elf_getphdrnum(elf, &count);
  for (size_t i = 0; i < count; i++) {
    GElf_Phdr header;
    if (gelf_getphdr(elf, static_cast<int>(i), &header) == nullptr ||
        header.p_type != PT_GNU_EH_FRAME)
      continue;
    Elf_Data* data = elf_getdata_rawchunk(elf, static_cast<int64_t>(header.p_offset),
                                          header.p_filesz, ELF_T_BYTE);
    if (data == nullptr || data->d_size < 12) continue;
    const auto* bytes = static_cast<const uint8_t*>(data->d_buf);
    // Version 1, the pointer to .eh_frame in 4 bytes, udata4 entries of sdata4 from here.
    if (bytes[0] != 1 || (bytes[1] & 15) != 0xb || bytes[2] != 3 || bytes[3] != 0x3b) continue;
    uint32_t rows = 0;
    std::memcpy(&rows, bytes + 8, sizeof rows);
    rows = static_cast<uint32_t>(std::min<uint64_t>(rows, (data->d_size - 12) / 8));
    for (uint32_t row = 0; row < rows; row++) {
      int32_t start = 0;
      std::memcpy(&start, bytes + 12 + uint64_t{row} * 8, sizeof start);
      starts.push_back(header.p_vaddr + static_cast<uint64_t>(static_cast<int64_t>(start)));
    }
  }
  std::sort(starts.begin(), starts.end());
  return starts;
}

}  // namespace

SyscallSites find_syscall_sites(const std::vector<uint8_t>& bytes, uint64_t address,
                                const std::vector<uint64_t>& starts) {
  Code code(bytes, address);
  SyscallSites result;
  std::vector<Candidate> candidates;
  std::unordered_set<uint64_t> interesting;
  for (uint64_t at = code.begin(); at + 1 < code.end(); at++) {
    if (*code.at(at) != 0x0f || *code.at(at + 1) != 0x05) continue;
    auto next = std::upper_bound(starts.begin(), starts.end(), at);
    if (next == starts.begin()) continue;
    auto before = lead_to(code, next[-1], at);
    if (before.empty())
      continue;  // the two bytes are no instruction, or nothing stands before them
    Candidate one;
    one.site.syscall = at;
    if (const char* why = choose_window(code, before, one.site)) {
      result.refused.push_back({at, why});
      continue;
    }
    for (const Instruction& instruction : before)
      if (instruction.address > one.site.start) one.inside.push_back(instruction.address);
    interesting.insert(one.inside.begin(), one.inside.end());
    uint64_t end = next == starts.end() ? code.end() : std::min(*next, code.end());
    one.has_jump_table = !one.inside.empty() && jumps_indirectly(code, next[-1], end);
    candidates.push_back(std::move(one));
  }
  BranchTargets targets(code, interesting);
  for (Candidate& one : candidates) {
    bool entered = std::any_of(one.inside.begin(), one.inside.end(),
                               [&](uint64_t inside) { return targets.contains(inside); });
    if (entered || one.has_jump_table)
      result.refused.push_back(
          {one.site.syscall, "a branch may land between the instructions before it"});
    else
      result.sites.push_back(std::move(one.site));
  }
  return result;
}

Result<SyscallSites> find_syscall_sites(const std::string& path) {
  ScopedFd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.valid()) return Error::from_errno("cannot open " + path, errno);
  auto elf = open_elf(fd.get(), path);
  if (!elf) return elf.error();
  std::vector<uint64_t> starts = function_starts(elf->get());
  size_t count = 0;
  elf_getphdrnum(elf->get(), &count);
  SyscallSites all;
  for (size_t i = 0; i < count; i++) {
    GElf_Phdr header;
    if (gelf_getphdr(elf->get(), static_cast<int>(i), &header) == nullptr ||
        header.p_type != PT_LOAD || !(header.p_flags & PF_X))
      continue;
    Elf_Data* data = elf_getdata_rawchunk(elf->get(), static_cast<int64_t>(header.p_offset),
                                          header.p_filesz, ELF_T_BYTE);
    if (data == nullptr) return Error{path + " is cut short", 0};
    const auto* bytes = static_cast<const uint8_t*>(data->d_buf);
    auto found = find_syscall_sites({bytes, bytes + data->d_size}, header.p_vaddr, starts);
    std::move(found.sites.begin(), found.sites.end(), std::back_inserter(all.sites));
    all.refused.insert(all.refused.end(), found.refused.begin(), found.refused.end());
  }
  return all;
}

}  // namespace wc
