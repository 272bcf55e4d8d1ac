// prctl(2): how many arguments a command has, and what they are.
#include <linux/prctl.h>

#include "decode/dependent.h"

namespace wc {
namespace {

// ArgSpec::aux of ArgKind::PrctlWord.
enum Word : uint16_t {
  kMaybeSignal,  // a signal, or a number that is none
  kTagging,      // PR_TAGGED_ADDR_ENABLE|PR_MTE_TCF_SYNC|0x1<<PR_MTE_TAG_SHIFT
  kSmeLength,    // PR_SME_VL_INHERIT|0x20
  kSveLength,
  kPidType,  // 0x1 /* PIDTYPE_TGID */
  kPid,      // int, decimal
};

constexpr ArgSpec word(Word what) { return {ArgKind::PrctlWord, what}; }
constexpr ArgSpec flags_of(FlagTable table) { return {ArgKind::Flags, of(table)}; }
constexpr ArgSpec one_of(FlagTable table) { return {ArgKind::Enum, of(table)}; }
constexpr ArgSpec out_of(FlagTable table) { return {ArgKind::EnumOut, of(table)}; }
constexpr ArgSpec flags_out(FlagTable table) { return {ArgKind::FlagsOut, of(table)}; }
constexpr ArgSpec kHex{ArgKind::Hex}, kUlong{ArgKind::Ulong}, kPointer{ArgKind::Pointer};
constexpr ArgSpec kInt{ArgKind::Int}, kIntOut{ArgKind::IntOut}, kString{ArgKind::String};

struct PrctlRow {
  uint32_t op;
  uint8_t count;  // of arguments behind the command
  ArgSpec args[4] = {kHex, kHex, kHex, kHex};
};

constexpr uint32_t kSmeSetLength = 63, kSmeGetLength = 64, kSetMdwe = 65, kGetMdwe = 66;
constexpr uint32_t kSetMerge = 67, kGetMerge = 68, kSchedCore = 62;

constexpr PrctlRow kPrctlRows[] = {
    {PR_SET_PDEATHSIG, 1, {word(kMaybeSignal)}},
    {PR_GET_PDEATHSIG, 1, {{ArgKind::SignalOut}}},
    {PR_GET_DUMPABLE, 0},
    {PR_SET_DUMPABLE, 1, {one_of(FlagTable::PrctlDumpable)}},
    {PR_GET_UNALIGN, 1, {flags_out(FlagTable::Unalign)}},
    {PR_SET_UNALIGN, 1, {flags_of(FlagTable::Unalign)}},
    {PR_GET_KEEPCAPS, 0},
    {PR_SET_KEEPCAPS, 1, {kUlong}},
    {PR_GET_FPEMU, 1, {kIntOut}},
    {PR_SET_FPEMU, 1, {flags_of(FlagTable::FpEmulation)}},
    {PR_GET_FPEXC, 1, {kIntOut}},
    {PR_SET_FPEXC, 1, {flags_of(FlagTable::FpExceptions)}},
    {PR_GET_TIMING, 0},
    {PR_SET_TIMING, 1, {kUlong}},
    {PR_SET_NAME, 1, {{ArgKind::TaskName}}},
    {PR_GET_NAME, 1, {{ArgKind::StringOut}}},
    {PR_GET_ENDIAN, 1, {kIntOut}},
    {PR_SET_ENDIAN, 1, {flags_of(FlagTable::Endian)}},
    {PR_GET_SECCOMP, 0},
    {PR_CAPBSET_READ, 1, {one_of(FlagTable::Capability)}},
    {PR_CAPBSET_DROP, 1, {one_of(FlagTable::Capability)}},
    {PR_GET_TSC, 1, {out_of(FlagTable::TscMode)}},
    {PR_SET_TSC, 1, {one_of(FlagTable::TscMode)}},
    {PR_GET_SECUREBITS, 0},
    {PR_SET_SECUREBITS, 1, {flags_of(FlagTable::Securebits)}},
    {PR_SET_TIMERSLACK, 1, {kUlong}},
    {PR_GET_TIMERSLACK, 0},
    {PR_TASK_PERF_EVENTS_DISABLE, 0},
    {PR_TASK_PERF_EVENTS_ENABLE, 0},
    {PR_SET_MM, 4, {one_of(FlagTable::SetMm), kHex, kHex, kHex}},
    {PR_SET_CHILD_SUBREAPER, 1, {kUlong}},
    {PR_GET_CHILD_SUBREAPER, 1, {kIntOut}},
    {PR_SET_NO_NEW_PRIVS, 4, {kUlong, kHex, kHex, kHex}},
    {PR_GET_NO_NEW_PRIVS, 4},
    {PR_GET_TID_ADDRESS, 1, {{ArgKind::HexOut}}},
    {PR_SET_THP_DISABLE, 4, {kUlong, kHex, kHex, kHex}},
    {PR_SET_FP_MODE, 1},
    {PR_GET_FP_MODE, 0},
    {PR_SVE_SET_VL, 1, {word(kSveLength)}},
    {PR_SVE_GET_VL, 0},
    {PR_GET_SPECULATION_CTRL, 4, {one_of(FlagTable::Speculation), kHex, kHex, kHex}},
    {PR_SET_SPECULATION_CTRL,
     4,
     {one_of(FlagTable::Speculation), flags_of(FlagTable::SpeculationControl), kHex, kHex}},
    {PR_PAC_RESET_KEYS, 4, {flags_of(FlagTable::PacKeys), kHex, kHex, kHex}},
    {PR_SET_TAGGED_ADDR_CTRL, 4, {word(kTagging), kHex, kHex, kHex}},
    {PR_PAC_SET_ENABLED_KEYS,
     4,
     {flags_of(FlagTable::PacKeys), flags_of(FlagTable::PacKeys), kHex, kHex}},
    {PR_SET_SYSCALL_USER_DISPATCH, 4, {one_of(FlagTable::PrctlDispatch), kHex, kHex, kPointer}},
    {kSchedCore, 4, {one_of(FlagTable::SchedCore), word(kPid), word(kPidType), kPointer}},
    {kSmeSetLength, 1, {word(kSmeLength)}},
    {kSmeGetLength, 0},
    {kSetMdwe, 4, {flags_of(FlagTable::MdweFlags), kHex, kHex, kHex}},
    {kGetMdwe, 4},
    {kSetMerge, 4, {kUlong, kHex, kHex, kHex}},
    {kGetMerge, 4},
    {PR_SET_PTRACER, 1, {kInt}},
};

// Commands whose later arguments depend on an earlier one.
void resolve_further(Builder& b, size_t op) {
  const size_t arg = op + 1;
  const uint64_t first = b.word(arg);
  switch (static_cast<uint32_t>(b.word(op))) {
    case PR_MCE_KILL:
      b.set_enum(arg, FlagTable::MceKill);
      if (first == PR_MCE_KILL_SET) b.set_enum(arg + 1, FlagTable::MceKillPolicy);
      return;
    case PR_CAP_AMBIENT:
      b.set_enum(arg, FlagTable::PrctlAmbient);
      if (first >= PR_CAP_AMBIENT_IS_SET && first <= PR_CAP_AMBIENT_LOWER)
        b.set_enum(arg + 1, FlagTable::Capability);
      return;
    case PR_SET_VMA:
      b.set_enum(arg, FlagTable::PrctlVma);
      b.set(arg + 1, ArgKind::Pointer);
      b.set(arg + 2, first == PR_SET_VMA_ANON_NAME ? ArgKind::Ulong : ArgKind::Hex);
      return b.set(arg + 3, first == PR_SET_VMA_ANON_NAME ? ArgKind::VmaName : ArgKind::Pointer);
    case PR_SET_SECCOMP:
      b.set_enum(arg, FlagTable::SeccompMode);
      b.set(arg + 1, ArgKind::StructIn, StructId::SockFprog);
      return b.cut(first == 2 ? arg + 2 : arg + 1);  // SECCOMP_MODE_FILTER
    default:
      return;
  }
}

void append_tagging(std::string& out, uint64_t value) {
  constexpr uint64_t kEnable = 1, kCheck = 6, kTags = 0xffff;
  constexpr unsigned kTagShift = 3;
  if ((value & kEnable) == 0) out += '!';
  out += "PR_TAGGED_ADDR_ENABLE|";
  append_enum(out, FlagTable::MteCheck, value & kCheck);
  const uint64_t tags = value >> kTagShift & kTags;
  const uint64_t rest = value & ~(kEnable | kCheck | kTags << kTagShift);
  if (tags != 0) {
    out += '|';
    append_hex(out, tags);
    out += "<<PR_MTE_TAG_SHIFT";
  }
  if (rest == 0) return;
  out += '|';
  append_hex(out, rest);
}

// Flags above a length of sixteen bits.
void append_vector_length(std::string& out, FlagTable table, uint64_t value) {
  constexpr uint64_t kLength = 0xffff;
  uint64_t flags = value & ~kLength;
  for (const FlagRow& row : flag_table(table).rows) {
    if ((flags & row.value) == 0) continue;
    out += row.name;
    out += '|';
    flags &= ~row.value;
  }
  if (flags != 0) {
    append_hex(out, flags);
    out += '|';
  }
  append_hex(out, value & kLength);
}

}  // namespace

void decode_prctl(const Arg& arg, DecodedArg& to) {
  std::string& out = to.text;
  constexpr uint64_t kMostSignal = 128;
  const auto as_int = static_cast<int32_t>(arg.word);
  switch (arg.spec.aux) {
    case kMaybeSignal:
      if (arg.word > kMostSignal) return append_udec(out, arg.word);
      return append_signal(out, as_int);
    case kTagging:
      return append_tagging(out, arg.word);
    case kSmeLength:
      return append_vector_length(out, FlagTable::SmeFlags, arg.word);
    case kSveLength:
      return append_vector_length(out, FlagTable::SveFlags, arg.word);
    case kPidType: {
      const auto type = static_cast<uint32_t>(arg.word);
      const std::string_view name = enum_name(FlagTable::PidType, type);
      append_hex(out, type);
      out += " /* ";
      out += name.empty() ? "PIDTYPE_???" : name;
      out += " */";
      return;
    }
    default:
      return append_dec(out, as_int);
  }
}

void resolve_prctl(Builder& b, size_t op) {
  const size_t arg = op + 1;
  for (const PrctlRow& row : kPrctlRows) {
    if (row.op != static_cast<uint32_t>(b.word(op))) continue;
    for (size_t i = 0; i < row.count; i++) b.set(arg + i, row.args[i]);
    return b.cut(arg + row.count);
  }
  resolve_further(b, op);
}

}  // namespace wc
