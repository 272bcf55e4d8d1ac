#include "patch/syscall_sites.h"

#include <algorithm>
#include <array>
#include <optional>

#include "patch/code_flow.h"
#include "patch/landing_places.h"

namespace wc {
namespace {

// What must stay where it is: control leaves there, or arrives from where nobody sees.
bool is_control(const Instruction& one) {
  switch (one.info.meta.category) {
    case ZYDIS_CATEGORY_CALL:
    case ZYDIS_CATEGORY_RET:
    case ZYDIS_CATEGORY_UNCOND_BR:
    case ZYDIS_CATEGORY_COND_BR:
    case ZYDIS_CATEGORY_SYSCALL:
    case ZYDIS_CATEGORY_SYSRET:
    case ZYDIS_CATEGORY_INTERRUPT:
      return true;
    default:
      return one.info.mnemonic == ZYDIS_MNEMONIC_UD2 || one.info.mnemonic == ZYDIS_MNEMONIC_HLT;
  }
}

// jne and its kin; loop and jrcxz have no long form. AMD reads an operand size prefix, Intel none.
bool is_condition(const Instruction& one) {
  return one.info.meta.category == ZYDIS_CATEGORY_COND_BR &&
         !(one.info.attributes & ZYDIS_ATTRIB_HAS_OPERANDSIZE) &&
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

// One function with a site.
class Function {
 public:
  Function(const Segment& code, const FunctionRange& range) : code_(code), flow_(code, range) {}

  // Nothing: the two bytes are no instruction.
  using Verdict = std::optional<SiteRefusal>;
  bool is_instruction(uint64_t at) const { return flow_.reached(at) || flow_.in_line(at); }
  Verdict judge(uint64_t syscall, SyscallSite& site) const;

 private:
  Verdict choose_window(std::vector<Instruction>& window, SyscallSite& site) const;
  bool move(const Instruction& one, SyscallSite& site) const;
  [[nodiscard]] const uint8_t* bytes(uint64_t at) const { return &code_.bytes[at - code_.address]; }

  const Segment& code_;
  CodeFlow flow_;
};

Function::Verdict Function::judge(uint64_t syscall, SyscallSite& site) const {
  site.syscall = syscall;
  std::vector<Instruction> window;
  if (flow_.reached(syscall)) {
    if (auto why = choose_window(window, site)) return why;
  } else {
    // What only a jump table leads to is taken where nothing can stand between the two.
    Instruction one;
    if (flow_.before_in_line(syscall, one) != 1 || one.info.length < kJumpSize || !sets_number(one))
      return SiteRefusal::NotReached;
    site.nr = *sets_number(one);
    window.push_back(one);
  }
  // A switch may lead to any instruction; tables that are not found lead to none but the first.
  if (window.size() > 1 && flow_.jumps_indirectly()) return SiteRefusal::Entered;
  site.start = window.back().address;
  std::reverse(window.begin(), window.end());
  for (const Instruction& one : window)
    if (!move(one, site)) return SiteRefusal::Immovable;
  if (site.moved.size() > kMaxMoved) return SiteRefusal::TooLong;
  site.original.assign(bytes(site.start), bytes(site.start) + (syscall - site.start));
  return std::nullopt;
}

// Back to the instruction that sets eax, and on until a jump fits; nearest first.
Function::Verdict Function::choose_window(std::vector<Instruction>& window,
                                          SyscallSite& site) const {
  uint64_t start = site.syscall;
  bool has_number = false;
  while (!has_number || site.syscall - start < kJumpSize) {
    Instruction one;
    if (site.syscall - start > kMaxMoved) return SiteRefusal::TooLong;
    if (unsigned count = flow_.before(start, one); count != 1)
      return count == 0 ? SiteRefusal::NoNumber : SiteRefusal::Entered;
    if (is_control(one) && !is_condition(one)) return SiteRefusal::Control;
    // Indirect branches and unwinders land there; as the first instruction it stays a landing
    // place for all but a processor that insists on it, which Linux does not ask for in programs.
    bool lands = one.info.mnemonic == ZYDIS_MNEMONIC_ENDBR64;
    start = one.address;
    window.push_back(one);
    if (!has_number) {
      if (auto nr = sets_number(one)) {
        site.nr = *nr;
        has_number = true;
      } else if (writes_rax(one)) {
        return SiteRefusal::UnknownNumber;
      }
    }
    if (lands && (!has_number || site.syscall - start < kJumpSize)) return SiteRefusal::Entered;
  }
  return std::nullopt;
}

// Appends the instruction as it must read elsewhere.
bool Function::move(const Instruction& one, SyscallSite& site) const {
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
  auto start = site.moved.size();
  site.moved.insert(site.moved.end(), bytes(one.address), bytes(one.address) + one.info.length);
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

// The bytes of the window but the first: nobody may arrive there. At the `syscall` anybody may.
FunctionRange inside(const SyscallSite& site) { return {site.start + 1, site.syscall}; }

void search(const CodeImage& image, const Segment& code, SyscallSites& result) {
  const FunctionRange* range = nullptr;
  std::optional<Function> function;
  for (uint64_t at = code.address; at + 1 < code.end(); at++) {
    const uint8_t* bytes = &code.bytes[at - code.address];
    if (bytes[0] != 0x0f || bytes[1] != 0x05) continue;
    const FunctionRange* its = image.function_of(at);
    if (its == nullptr || !code.contains(its->begin)) {
      result.refused.push_back({at, SiteRefusal::NoFunction});
      continue;
    }
    if (its != range) {
      function.emplace(code, *its);
      range = its;
    }
    if (!function->is_instruction(at)) continue;
    SyscallSite site;
    if (auto why = function->judge(at, site))
      result.refused.push_back({at, *why});
    else
      result.sites.push_back(std::move(site));
  }
}

}  // namespace

const char* reason(SiteRefusal why) {
  static constexpr std::array<const char*, 8> kReasons{
      "nothing before it sets eax to a number",
      "its number is not known before it runs",
      "a call, jump or trap stands too near before it",
      "an instruction before it cannot be moved",
      "the instructions before it are too long for a thunk",
      "control may arrive between the instructions before it",
      "only an indirect jump leads to it",
      "no unwind information tells its function",
  };
  static_assert(kReasons.size() == static_cast<size_t>(kLastRefusal) + 1);
  return kReasons[static_cast<size_t>(why)];
}

SyscallSites find_syscall_sites(const CodeImage& image) {
  SyscallSites result;
  for (const Segment& segment : image.segments) {
    if (!segment.executable) continue;
    result.code.push_back({segment.address, segment.offset, segment.bytes.size()});
    search(image, segment, result);
  }
  std::vector<FunctionRange> windows;
  for (const SyscallSite& site : result.sites) windows.push_back(inside(site));
  LandingPlaces places(image, windows);
  std::vector<SyscallSite> kept;
  for (SyscallSite& site : result.sites) {
    if (places.any_in(inside(site)))
      result.refused.push_back({site.syscall, SiteRefusal::Entered});
    else
      kept.push_back(std::move(site));
  }
  result.sites = std::move(kept);
  return result;
}

Result<SyscallSites> find_syscall_sites(const std::string& path) {
  auto image = read_code_image(path);
  if (!image) return image.error();
  return find_syscall_sites(*image);
}

}  // namespace wc
