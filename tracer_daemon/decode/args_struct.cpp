// Structs that structs.def describes, one or several of them.
#include <algorithm>
#include <cstring>

#include "decode/args.h"
#include "decode/struct_tables.h"

namespace wc {
namespace {

constexpr size_t kMaxStruct = 512;
constexpr uint64_t kMostElements = 1u << 16;

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
  append_quoted(out, {text, strnlen(text, field.size)});
}

void append_bytes(std::string& out, const DecodeContext& context, const std::byte* at) {
  uint64_t address_and_length[2];
  std::memcpy(address_and_length, at, sizeof address_and_length);
  append_buffer_at(out, context, address_and_length[0], address_and_length[1]);
}

void append_field(std::string& out, const DecodeContext& context, const FieldRow& field,
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

void append_structs(const Arg& arg, std::string& out, uint64_t count) {
  const StructId id = id_of(arg);
  const size_t size = struct_view(id).size;
  append_array(out, arg.context, arg.word, std::min(count, kMostElements), size,
               [&](std::string& to, const std::byte* at) {
                 append_struct(to, arg.context, id, {at, size});
               });
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
    if (out.size() != start) out += ", ";
    out += field.name;
    out += '=';
    append_field(out, context, field, bytes.data() + field.offset);
  }
  out += '}';
}

void append_struct_at(std::string& out, const Arg& arg, StructId id) {
  std::byte bytes[kMaxStruct] = {};
  const size_t length = length_of(arg, struct_view(id));
  if (arg.word == 0 || length == 0 || !arg.context.memory.read_all({arg.word}, bytes, length))
    return append_pointer(out, arg.word);
  append_struct(out, arg.context, id, {bytes, length});
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
      return append_structs(arg, out, arg.other_word(kCount));
    case ArgKind::StructsOut:
      return append_structs(arg, out, arg.ret);
    case ArgKind::Iocbs:
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
