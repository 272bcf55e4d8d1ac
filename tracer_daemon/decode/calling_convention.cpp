// System V ABI, AMD64 supplement, 3.2.3: parameter passing and returning of values.
#include <algorithm>

#include "decode/prototype.h"

namespace wc {
namespace {

constexpr uint64_t kEightbyte = 8;
constexpr uint8_t kIntegerRegisters = 6;
constexpr uint8_t kVectorRegisters = 8;

enum class Class : uint8_t { None, Integer, Sse, SseUp, X87, Memory };

using Classes = std::array<Class, 2>;

Class merge(Class a, Class b) {
  if (a == b || b == Class::None) return a;
  if (a == Class::None) return b;
  if (a == Class::Memory || b == Class::Memory) return Class::Memory;
  if (a == Class::Integer || b == Class::Integer) return Class::Integer;
  if (a == Class::X87 || b == Class::X87) return Class::Memory;
  return Class::Sse;
}

void merge_bytes(Classes& classes, uint64_t begin, uint64_t end, Class one) {
  for (uint64_t i = begin / kEightbyte; i < classes.size() && i * kEightbyte < end; i++)
    classes[i] = merge(classes[i], one);
}

void merge_type(Classes& classes, const ValueType& type, uint64_t offset);

void merge_member(Classes& classes, const Member& member, uint64_t offset) {
  if (member.bit_size == 0) return merge_type(classes, *member.type, offset + member.offset);
  const uint64_t first = offset + member.bit_offset / 8;
  const uint64_t last = offset + (member.bit_offset + member.bit_size - 1) / 8;
  merge_bytes(classes, first, last + 1, Class::Integer);
}

void merge_type(Classes& classes, const ValueType& type, uint64_t offset) {
  const uint64_t end = offset + type.size;
  if (end > classes.size() * kEightbyte || offset % std::max<uint64_t>(type.alignment, 1) != 0) {
    classes[0] = Class::Memory;
    return;
  }
  switch (type.kind) {
    case TypeKind::Structure:
      for (const Member& member : type.members) merge_member(classes, member, offset);
      return;
    case TypeKind::Array:
      for (uint64_t i = 0; i < type.count; i++)
        merge_type(classes, *type.element, offset + i * type.element->size);
      return;
    case TypeKind::Floating:
    case TypeKind::OtherFloat:
    case TypeKind::Vector:
      merge_bytes(classes, offset, std::min(end, offset + kEightbyte), Class::Sse);
      if (type.size > kEightbyte) merge_bytes(classes, offset + kEightbyte, end, Class::SseUp);
      return;
    case TypeKind::Extended:
      return merge_bytes(classes, offset, end, Class::X87);
    default:
      return merge_bytes(classes, offset, end, Class::Integer);
  }
}

Classes classify(const ValueType& type) {
  Classes classes{};
  // Of 32 bytes and more only a vector on its own is not in memory.
  if (type.kind == TypeKind::Vector) return {Class::Sse, Class::SseUp};
  merge_type(classes, type, 0);
  if (classes[1] == Class::Memory) classes[0] = Class::Memory;
  if (classes[1] == Class::SseUp && classes[0] != Class::Sse) classes[1] = Class::Sse;
  return classes;
}

struct Registers {
  uint8_t integers = 0, vectors = 0;  // used
};

// The registers of a value that is not in memory. Nothing: there are not enough left.
bool take_registers(const Classes& classes, const ValueType& type, Registers limit, Registers& used,
                    Place& place) {
  Registers next = used;
  Place taken;
  for (uint8_t i = 0; i < classes.size(); i++) {
    const bool is_vector = classes[i] == Class::Sse;
    if (!is_vector && classes[i] != Class::Integer) continue;
    uint8_t& index = is_vector ? next.vectors : next.integers;
    if (index >= (is_vector ? limit.vectors : limit.integers)) return false;
    const auto offset = static_cast<uint8_t>(i * kEightbyte);
    const bool goes_on = i == 0 && classes[1] == Class::SseUp;
    const uint64_t most = goes_on ? 2 * kEightbyte : kEightbyte;
    const auto size = static_cast<uint8_t>(std::min(type.size - offset, most));
    taken.pieces[taken.piece_count++] = {is_vector, index++, offset, size};
  }
  taken.kind = taken.piece_count == 0 ? Place::Kind::Nowhere : Place::Kind::Registers;
  place = taken;
  used = next;
  return true;
}

bool has_vector(const Place& place) {
  return std::any_of(place.pieces.begin(), place.pieces.begin() + place.piece_count,
                     [](const Place::Piece& piece) { return piece.is_vector; });
}

void place_on_stack(const ValueType& type, uint64_t& top, Place& place) {
  const uint64_t alignment = type.alignment > kEightbyte ? type.alignment : kEightbyte;
  top = (top + alignment - 1) / alignment * alignment;
  place.kind = Place::Kind::OnStack;
  place.offset = top;
  top += (type.size + kEightbyte - 1) / kEightbyte * kEightbyte;
}

// True: it is in memory that the caller has made, and whose address is the first argument.
bool place_result(Parameter& result) {
  const Classes classes = classify(*result.type);
  Registers used;
  if (classes[0] == Class::X87) {
    result.place.kind = Place::Kind::X87;
    return false;
  }
  if (classes[0] == Class::Memory || result.type->is_object) {
    result.place.kind = Place::Kind::Returned;
    return true;
  }
  take_registers(classes, *result.type, {2, 2}, used, result.place);
  return false;
}

}  // namespace

void place_values(FunctionPrototype& prototype) {
  Registers used;
  uint64_t top = 0;
  Parameter& result = prototype.result;
  if (result.type != nullptr && place_result(result)) used.integers++;
  prototype.returns_floats = result.place.kind == Place::Kind::X87 || has_vector(result.place);
  for (Parameter& one : prototype.parameters) {
    const Classes classes = classify(*one.type);
    const bool in_memory = classes[0] == Class::Memory || classes[0] == Class::X87;
    if (in_memory ||
        !take_registers(classes, *one.type, {kIntegerRegisters, kVectorRegisters}, used, one.place))
      place_on_stack(*one.type, top, one.place);
    prototype.takes_floats = prototype.takes_floats || has_vector(one.place);
  }
}

}  // namespace wc
