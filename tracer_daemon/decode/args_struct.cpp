// Structs that structs.def describes, one or several of them.
#include <algorithm>
#include <cerrno>
#include <cstring>

#include "decode/args.h"
#include "decode/struct_tables.h"

namespace wc {
namespace {

constexpr size_t kMaxStruct = 512;
constexpr uint64_t kMostElements = 1u << 16;
constexpr uint64_t kMostFutexes = 128;  // FUTEX_WAITV_MAX

StructId id_of(const Arg& arg) { return StructId{arg.spec.aux}; }

// A field's bytes as a number, sign-extended where it is printed with its sign.
uint64_t number_at(const FieldRow& field, const std::byte* at) {
  uint64_t value = 0;
  const size_t size = std::min<size_t>(field.size, sizeof value);
  std::memcpy(&value, at, size);
  const bool is_signed = field.format == FieldFormat::Dec || field.format == FieldFormat::Fd;
  if (!is_signed || size == sizeof value) return value;
  const size_t shift = 64 - size * 8;
  return static_cast<uint64_t>(static_cast<int64_t>(value << shift) >> shift);
}

void append_text(std::string& out, const FieldRow& field, const std::byte* at) {
  const auto* text = reinterpret_cast<const char*>(at);
  const size_t length = strnlen(text, field.size);
  // One without its end is shown as the kernel would cut it.
  append_quoted(out, {text, std::min<size_t>(length, field.size - 1)});
  if (length == field.size) out += "...";
}

// "[0x1, 0x2]": as hexadecimal words, of table bytes each.
void append_numbers(std::string& out, const FieldRow& field, const std::byte* at) {
  out += '[';
  for (size_t i = 0; i + field.table <= field.size; i += field.table) {
    uint64_t value = 0;
    std::memcpy(&value, at + i, std::min<size_t>(field.table, sizeof value));
    if (i != 0) out += ", ";
    append_hex(out, value);
  }
  out += ']';
}

void append_bytes(std::string& out, const DecodeContext& context, const std::byte* at) {
  uint64_t address_and_length[2];
  std::memcpy(address_and_length, at, sizeof address_and_length);
  append_buffer_at(out, context, address_and_length[0], address_and_length[1]);
}

void append_reference(std::string& out, const DecodeContext& context, StructId id,
                      uint64_t address) {
  std::byte bytes[kMaxStruct];
  const size_t size = std::min<size_t>(struct_view(id).size, sizeof bytes);
  if (address == 0 || !context.memory.read_all({address}, bytes, size))
    return append_pointer(out, address);
  append_struct(out, context, id, {bytes, size});
}

// -ENOSYS, or the number.
void append_error_number(std::string& out, int32_t value) {
  const bool is_error = value < 0 && value > INT32_MIN && !errno_name(-value).empty();
  if (!is_error) return append_dec(out, value);
  out += '-';
  out += errno_name(-value);
}

void append_member(std::string& out, const DecodeContext& context, const FieldRow& field,
                   const std::byte* at) {
  const uint64_t value = number_at(field, at);
  switch (field.format) {
    case FieldFormat::Udec:
      return append_udec(out, value);
    case FieldFormat::Dec:
      return append_dec(out, static_cast<int64_t>(value));
    case FieldFormat::Hex:
      return append_hex(out, value);
    case FieldFormat::Pointer:
      return append_pointer(out, value);
    case FieldFormat::Octal:
      return append_octal(out, value);
    case FieldFormat::Flags:
      return append_flags(out, FlagTable{field.table}, value);
    case FieldFormat::Enum:
      return append_enum(out, FlagTable{field.table}, value);
    case FieldFormat::Fd:
      return append_fd(out, context, static_cast<int32_t>(value));
    case FieldFormat::Text:
      return append_text(out, field, at);
    case FieldFormat::String:
      return append_string_at(out, context, value, context.options.string_size);
    case FieldFormat::Bytes:
      return append_bytes(out, context, at);
    case FieldFormat::Dots:
      return;
    case FieldFormat::Reference:
      return append_reference(out, context, StructId{field.table}, value);
    case FieldFormat::Error:
      return append_error_number(out, static_cast<int32_t>(value));
    case FieldFormat::Array:
      return append_numbers(out, field, at);
    case FieldFormat::HexText:
      return append_quoted(out, {reinterpret_cast<const char*>(at), field.size}, QuoteStyle::Hex);
    case FieldFormat::Struct:
      return append_struct(out, context, StructId{field.table}, {at, field.size});
  }
}

// How many of its bytes the caller says there are.
size_t length_of(const Arg& arg, const StructView& view) {
  uint64_t length = view.size;
  uint32_t first_word = 0;
  if (view.length.from == StructLength::Argument)
    length = static_cast<uint32_t>(arg.other_word(view.length.argument));
  if (view.length.from == StructLength::FirstWord && fetch(arg.context, arg.word, first_word))
    length = first_word;
  return std::min<uint64_t>({length, view.size, kMaxStruct});
}

// The first version of the structure has 48 bytes; the kernel tells callers of less what it has.
void append_sched_attr(const Arg& arg, std::string& out) {
  constexpr uint32_t kFirst = 48, kSizes = 4;
  constexpr uint64_t kKeepPolicy = 8, kKeepParams = 0x10;
  uint32_t size = 0;
  if (arg.at_exit) {
    const bool wrong = arg.failed && static_cast<int64_t>(arg.ret) == -E2BIG;
    if (!wrong || !fetch(arg.context, arg.word, size) || !out.ends_with('}')) return;
    out += " => {size=";
    append_udec(out, size);
    out += '}';
    return;
  }
  if (!fetch(arg.context, arg.word, size)) return append_pointer(out, arg.word);
  std::byte bytes[sizeof(uint64_t) * 7] = {};
  const size_t length = std::min<size_t>(size == 0 ? kFirst : size, sizeof bytes);
  if (size != 0 && size < kFirst) {
    out += "{size=";
    append_udec(out, size);
    out += '}';
    return;
  }
  if (!arg.context.memory.read_all({arg.word}, bytes, length)) return append_pointer(out, arg.word);
  uint64_t flags = 0;
  std::memcpy(&flags, bytes + 2 * kSizes, sizeof flags);
  out += '{';
  const size_t start = out.size();
  for (const FieldRow& field : struct_view(StructId::SchedAttr).fields) {
    const bool is_policy = field.name == "sched_policy";
    const bool is_parameter = field.name == "sched_nice" || field.name == "sched_priority" ||
                              field.name == "sched_runtime" || field.name == "sched_deadline" ||
                              field.name == "sched_period";
    if ((is_policy && (flags & (kKeepPolicy | kKeepParams)) != 0) ||
        (is_parameter && (flags & kKeepParams) != 0) || size_t{field.offset} + field.size > length)
      continue;
    if (out.size() != start) out += ", ";
    out += field.name;
    out += '=';
    append_member(out, arg.context, field, bytes + field.offset);
  }
  out += size > sizeof bytes ? ", ...}" : "}";
}

void append_structs(const Arg& arg, std::string& out, uint64_t count) {
  const StructId id = id_of(arg);
  const size_t size = struct_view(id).size;
  // futex_waitv takes no more.
  const bool is_cut = id == StructId::FutexWaitv && count > kMostFutexes;
  if (is_cut) count = kMostFutexes;
  append_array(out, arg.context, arg.word, std::min(count, kMostElements), size,
               [&](std::string& to, const std::byte* at) {
                 append_struct(to, arg.context, id, {at, size});
               });
  if (!is_cut || !out.ends_with("}]")) return;
  out.pop_back();
  out += ", ...]";
}

// io_submit takes addresses of its structs. What a write takes is shown.
void append_iocbs(const Arg& arg, std::string& out, uint64_t count) {
  constexpr size_t kOpcodeOffset = 16, kOpcodeSize = 2;
  constexpr uint16_t kWrite = 1;
  append_array(out, arg.context, arg.word, std::min(count, kMostElements), sizeof(uint64_t),
               [&](std::string& to, const std::byte* at) {
                 std::byte bytes[64];
                 uint64_t address = 0;
                 uint16_t opcode = 0;
                 std::memcpy(&address, at, sizeof address);
                 if (!fetch(arg.context, address, bytes)) return append_pointer(to, address);
                 std::memcpy(&opcode, bytes + kOpcodeOffset, kOpcodeSize);
                 const StructId id = opcode == kWrite ? StructId::IocbWrite : StructId::Iocb;
                 append_struct(to, arg.context, id, bytes);
               });
}

}  // namespace

void append_struct(std::string& out, const DecodeContext& context, StructId id,
                   std::span<const std::byte> bytes) {
  out += '{';
  const size_t start = out.size();
  for (const FieldRow& field : struct_view(id).fields) {
    if (size_t{field.offset} + field.size > bytes.size()) continue;
    if (field.only_if_set && number_at(field, bytes.data() + field.offset) == 0) continue;
    if (out.size() != start) out += ", ";
    out += field.name;
    if (field.format == FieldFormat::Dots) continue;
    out += '=';
    append_member(out, context, field, bytes.data() + field.offset);
  }
  out += '}';
}

void append_struct_at(std::string& out, const Arg& arg, StructId id) {
  std::byte bytes[kMaxStruct] = {};
  const size_t length = length_of(arg, struct_view(id));
  const bool is_short = id == StructId::LandlockRuleset && length < struct_view(id).size;
  if (arg.word == 0 || length == 0 || is_short ||
      !arg.context.memory.read_all({arg.word}, bytes, length))
    return append_pointer(out, arg.word);
  append_struct(out, arg.context, id, {bytes, length});
  // Rules may grow: what is behind those that are known.
  if (id != StructId::LandlockRuleset || arg.other_word(1) <= length) return;
  out.pop_back();
  out += ", ...}";
}

void decode_struct(const Arg& arg, DecodedArg& to) {
  // The argument that counts them: of futex_waitv and io_submit.
  constexpr size_t kCount = 1;
  std::string& out = to.text;
  switch (arg.spec.kind) {
    case ArgKind::StructIn:
    case ArgKind::StructOut:
      return append_struct_at(out, arg, id_of(arg));
    case ArgKind::Ifreq:
      return append_struct_at(out, arg, arg.failed ? StructId::IfreqName : id_of(arg));
    case ArgKind::StructsIn:
      return append_structs(arg, out, static_cast<uint32_t>(arg.other_word(kCount)));
    case ArgKind::SchedAttrIn:
      return append_sched_attr(arg, out);
    case ArgKind::FutexPair:
      return append_structs(arg, out, 2);
    case ArgKind::StructsOut:
      return append_structs(arg, out, arg.ret);
    case ArgKind::Iocbs:
      if (static_cast<int64_t>(arg.other_word(kCount)) < 0) return append_pointer(out, arg.word);
      return append_iocbs(arg, out, arg.other_word(kCount));
    case ArgKind::IoUringParams:
      if (!arg.at_exit) return append_struct_at(out, arg, StructId::IoUringParamsIn);
      if (arg.failed) return;
      out.clear();
      return append_struct_at(out, arg, StructId::IoUringParams);
    default:
      return append_pointer(out, arg.word);
  }
}

}  // namespace wc
