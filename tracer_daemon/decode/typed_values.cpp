#include "decode/typed_values.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <span>

#include "decode/args.h"
#include "decode/text.h"

namespace wc {
namespace {

using Bytes = std::span<const std::byte>;

constexpr size_t kMaxValue = 16;  // what is larger is shown by its address
constexpr size_t kX87Bytes = 10;

template <typename T>
T as(Bytes bytes) {
  T value{};
  std::memcpy(&value, bytes.data(), std::min(sizeof value, bytes.size()));
  return value;
}

int64_t as_signed(Bytes bytes) {
  const auto word = as<uint64_t>(bytes);
  const unsigned unused = bytes.size() < 8 ? 64 - 8 * static_cast<unsigned>(bytes.size()) : 0;
  return static_cast<int64_t>(word << unused) >> unused;
}

class Formatter {
 public:
  explicit Formatter(const DecodeContext& context) : context_(context) {}

  void append(const ValueType& type, Bytes bytes, TypedValue& to) const {
    std::string& out = to.shown.text;
    if (bytes.size() < type.size) return unknown(to);
    bytes = bytes.first(type.size);
    switch (type.kind) {
      case TypeKind::Signed:
      case TypeKind::Unsigned:
        return append_integer(type, bytes, to);
      case TypeKind::Boolean:
        set(to, ValueKind::Unsigned, as<uint64_t>(bytes));
        if (to.word > 1) return append_udec(out, to.word);
        out += to.word != 0 ? "true" : "false";
        return;
      case TypeKind::Character:
        return append_character(type, bytes, to);
      case TypeKind::Enumeration:
        return append_enumerator(type, bytes, to);
      case TypeKind::Address:
        set(to, ValueKind::Address, as<uint64_t>(bytes));
        return append_pointer(out, to.word);
      case TypeKind::String:
      case TypeKind::WideString:
        return append_string(type, bytes, to);
      case TypeKind::Floating:
        return append_float(bytes, to);
      case TypeKind::OtherFloat:
        return unknown(to);
      case TypeKind::Extended:
        return append_extended(bytes, to);
      case TypeKind::Structure:
        return append_structure(type, bytes, to);
      case TypeKind::Array:
      case TypeKind::Vector:
        return append_array(type, bytes, to);
    }
  }

  static void unknown(TypedValue& to) {
    to.kind = ValueKind::Unknown;
    to.shown.text += '?';
  }

 private:
  static void set(TypedValue& to, ValueKind kind, uint64_t word) {
    to.kind = kind;
    to.word = word;
  }

  static void append_integer(const ValueType& type, Bytes bytes, TypedValue& to) {
    const bool is_signed = type.kind == TypeKind::Signed;
    set(to, is_signed ? ValueKind::Signed : ValueKind::Unsigned,
        is_signed ? static_cast<uint64_t>(as_signed(bytes)) : as<uint64_t>(bytes));
    if (bytes.size() <= sizeof(uint64_t))
      return is_signed ? append_dec(to.shown.text, as_signed(bytes))
                       : append_udec(to.shown.text, to.word);
    __extension__ using Wide = unsigned __int128;
    __extension__ using SignedWide = __int128;
    to.kind = ValueKind::Text;  // more than a word can hold
    to.shown.text +=
        is_signed ? fmt::format("{}", as<SignedWide>(bytes)) : fmt::format("{}", as<Wide>(bytes));
  }

  static void append_character(const ValueType& type, Bytes bytes, TypedValue& to) {
    const int64_t code = type.size == 1 ? as_signed(bytes) : as<uint32_t>(bytes);
    set(to, ValueKind::Signed, static_cast<uint64_t>(code));
    if (code == -1 && type.size == 1)
      to.shown.text += "'\\377'";  // append_char's EOF is an int
    else if (code >= INT8_MIN && code <= INT8_MAX)
      append_char(to.shown.text, static_cast<int32_t>(code));
    else
      append_dec(to.shown.text, code);
  }

  static void append_enumerator(const ValueType& type, Bytes bytes, TypedValue& to) {
    const int64_t value =
        type.is_signed ? as_signed(bytes) : static_cast<int64_t>(as<uint64_t>(bytes));
    set(to, type.is_signed ? ValueKind::Signed : ValueKind::Unsigned, static_cast<uint64_t>(value));
    const uint64_t unused = 64 - 8 * bytes.size();
    const auto found = std::ranges::find_if(type.enumerators, [&](const Enumerator& one) {
      return static_cast<uint64_t>(one.value ^ value) << unused == 0;
    });
    if (found != type.enumerators.end())
      to.shown.text += found->name;
    else if (type.is_signed)
      append_dec(to.shown.text, value);
    else
      append_udec(to.shown.text, to.word);
  }

  // As those of syscalls and of libc's functions.
  void append_string(const ValueType& type, Bytes bytes, TypedValue& to) const {
    set(to, ValueKind::Address, as<uint64_t>(bytes));
    const ArgKind kind = type.kind == TypeKind::String ? ArgKind::String : ArgKind::WideString;
    DecodedArg one;
    decode_string({.context = context_, .words = {}, .spec = {kind, 0}, .word = to.word}, one);
    to.shown.text += one.text;
    if (!one.is_string) return;
    to.shown.data = std::move(one.data);
    to.shown.is_string = true;
  }

  static void append_float(Bytes bytes, TypedValue& to) {
    const bool is_single = bytes.size() == sizeof(float);
    const double value = is_single ? as<float>(bytes) : as<double>(bytes);
    set(to, ValueKind::Float, 0);
    std::memcpy(&to.word, &value, sizeof value);
    to.shown.text += is_single ? fmt::format("{}", as<float>(bytes)) : fmt::format("{}", value);
  }

  static void append_extended(Bytes bytes, TypedValue& to) {
    long double value = 0;
    std::memcpy(&value, bytes.data(), kX87Bytes);
    const auto rounded = static_cast<double>(value);
    set(to, ValueKind::Float, 0);
    std::memcpy(&to.word, &rounded, sizeof rounded);
    char text[64];
    snprintf(text, sizeof text, "%.18Lg", value);
    to.shown.text += text;
  }

  void append_part(const ValueType& type, Bytes bytes, uint64_t offset, std::string& out) const {
    TypedValue part;
    append(type, bytes.subspan(std::min<size_t>(offset, bytes.size())), part);
    out += part.shown.text;
  }

  void append_structure(const ValueType& type, Bytes bytes, TypedValue& to) const {
    std::string& out = to.shown.text;
    out += '{';
    for (const Member& member : type.members) {
      if (&member != type.members.data()) out += ", ";
      if (!member.name.empty()) out += member.name + "=";
      if (member.bit_size != 0)
        append_bits(member, bytes, out);
      else
        append_part(*member.type, bytes, member.offset, out);
    }
    out += '}';
    set(to, ValueKind::Text, 0);
  }

  void append_bits(const Member& member, Bytes bytes, std::string& out) const {
    if (member.bit_size > 64 || member.bit_offset + member.bit_size > bytes.size() * 8) {
      out += '?';
      return;
    }
    uint64_t value = 0;
    for (uint32_t i = 0; i < member.bit_size; i++) {
      const uint64_t at = member.bit_offset + i;
      const auto bit = std::to_integer<uint64_t>(bytes[at / 8]) >> (at % 8) & 1;
      value |= bit << i;
    }
    const ValueType& type = *member.type;
    const bool is_signed =
        type.kind == TypeKind::Signed || (type.kind == TypeKind::Enumeration && type.is_signed);
    const uint64_t sign = uint64_t{1} << (member.bit_size - 1);
    if (is_signed && (value & sign) != 0) value |= ~(sign - 1);
    append_part(type, std::as_bytes(std::span(&value, 1)), 0, out);
  }

  void append_array(const ValueType& type, Bytes bytes, TypedValue& to) const {
    const ValueType& element = *type.element;
    std::string& out = to.shown.text;
    set(to, ValueKind::Text, 0);
    if (element.kind == TypeKind::Character && element.size == 1) {
      const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
      return append_quoted(out, text.substr(0, text.find('\0')));
    }
    out += '{';
    for (uint64_t i = 0; i < type.count; i++) {
      if (i != 0) out += ", ";
      append_part(element, bytes, i * element.size, out);
    }
    out += '}';
  }

  const DecodeContext& context_;
};

// The bytes of a value that is in registers; false where these were not read.
bool gather(const Place& place, const CallRegisters& registers,
            std::array<std::byte, kMaxValue>& bytes) {
  for (uint8_t i = 0; i < place.piece_count; i++) {
    const Place::Piece& piece = place.pieces[i];
    if (piece.is_vector && !registers.has_floats) return false;
    const void* from = piece.is_vector ? static_cast<const void*>(&registers.vectors[piece.index])
                                       : static_cast<const void*>(&registers.integers[piece.index]);
    std::memcpy(bytes.data() + piece.offset, from, piece.size);
  }
  return true;
}

bool is_shown_by_address(const ValueType& type) {
  return type.kind == TypeKind::Structure || type.kind == TypeKind::Array;
}

void append_address(uint64_t address, TypedValue& to) {
  to.kind = ValueKind::Address;
  to.word = address;
  append_pointer(to.shown.text, address);
}

TypedValue decode_value(const DecodeContext& context, const Parameter& one,
                        const CallRegisters& registers) {
  TypedValue value;
  const Formatter formatter(context);
  std::array<std::byte, kMaxValue> bytes{};
  bool is_known = one.type->size <= bytes.size();
  switch (one.place.kind) {
    case Place::Kind::Nowhere:
      break;
    case Place::Kind::Unknown:
      is_known = false;
      break;
    case Place::Kind::Registers:
      is_known = is_known && gather(one.place, registers, bytes);
      break;
    case Place::Kind::Returned:
      append_address(registers.integers[0], value);
      return value;
    case Place::Kind::X87:
      is_known = is_known && registers.has_floats;
      std::copy(registers.x87.begin(), registers.x87.end(), bytes.begin());
      break;
    case Place::Kind::OnStack: {
      const uint64_t address = registers.stack + one.place.offset;
      if (is_shown_by_address(*one.type)) {
        append_address(address, value);
        return value;
      }
      is_known = is_known && context.memory.read_all({address}, bytes.data(), one.type->size);
    }
  }
  if (is_known)
    formatter.append(*one.type, bytes, value);
  else
    Formatter::unknown(value);
  return value;
}

}  // namespace

TypedArguments decode_arguments(const DecodeContext& context, const FunctionPrototype& prototype,
                                const CallRegisters& registers) {
  TypedArguments arguments{.values = {}, .has_more = prototype.is_variadic};
  for (const Parameter& one : prototype.parameters)
    arguments.values.push_back(decode_value(context, one, registers));
  return arguments;
}

TypedValue decode_result(const DecodeContext& context, const FunctionPrototype& prototype,
                         const CallRegisters& registers) {
  if (prototype.result.type == nullptr) return {};
  return decode_value(context, prototype.result, registers);
}

void join_args(const TypedArguments& arguments, std::string& out) {
  out.clear();
  for (const TypedValue& value : arguments.values) {
    if (!out.empty()) out += ", ";
    out += value.shown.text;
  }
  if (arguments.has_more) out += out.empty() ? "..." : ", ...";
}

}  // namespace wc
