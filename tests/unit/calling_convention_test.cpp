// Where the System V ABI puts arguments and results. The shapes are those of its own examples and
// of what compilers get wrong most often; typed_values.c compares with a compiler.
#include <gmock/gmock.h>

#include "decode/prototype.h"

namespace wc {
namespace {

using Kind = Place::Kind;

TypePtr scalar(TypeKind kind, uint64_t size) {
  ValueType type;
  type.kind = kind;
  type.size = type.alignment = size;
  return std::make_shared<const ValueType>(type);
}

const TypePtr kInt = scalar(TypeKind::Signed, 4);
const TypePtr kLong = scalar(TypeKind::Signed, 8);
const TypePtr kWide = scalar(TypeKind::Signed, 16);
const TypePtr kFloat = scalar(TypeKind::Floating, 4);
const TypePtr kDouble = scalar(TypeKind::Floating, 8);
const TypePtr kExtended = scalar(TypeKind::Extended, 16);
const TypePtr kPointer = scalar(TypeKind::Address, 8);

// One member behind the other, as a compiler would; `packed`: without room between.
TypePtr structure(const std::vector<TypePtr>& members, bool packed = false) {
  ValueType type;
  type.kind = TypeKind::Structure;
  uint64_t at = 0;
  for (const TypePtr& member : members) {
    const uint64_t alignment = packed ? 1 : member->alignment;
    at = (at + alignment - 1) / alignment * alignment;
    type.members.push_back({.name = "m", .offset = at, .type = member});
    at += member->size;
    type.alignment = std::max(type.alignment, alignment);
  }
  type.size = (at + type.alignment - 1) / type.alignment * type.alignment;
  return std::make_shared<const ValueType>(type);
}

// "i0 v1 s8 -": first integer register, second vector register, 8 bytes into the stack, nowhere.
std::string text(const Place& place) {
  std::string out;
  switch (place.kind) {
    case Kind::Nowhere:
      return "-";
    case Kind::Unknown:
      return "?";
    case Kind::OnStack:
      return "s" + std::to_string(place.offset);
    case Kind::Returned:
      return "memory";
    case Kind::X87:
      return "x87";
    case Kind::Registers:
      for (uint8_t i = 0; i < place.piece_count; i++)
        out += (place.pieces[i].is_vector ? "v" : "i") + std::to_string(place.pieces[i].index);
  }
  return out;
}

std::string places(const std::vector<TypePtr>& types, const TypePtr& result = nullptr) {
  FunctionPrototype prototype;
  for (const TypePtr& type : types) prototype.parameters.push_back({.type = type});
  prototype.result.type = result;
  place_values(prototype);
  std::string out = result != nullptr ? text(prototype.result.place) + ":" : "";
  for (const Parameter& one : prototype.parameters)
    out += (out.empty() || out.back() == ':' ? "" : " ") + text(one.place);
  return out;
}

TEST(CallingConvention, WordsAndFloatsAreCountedApart) {
  EXPECT_EQ(places({kInt, kDouble, kPointer, kFloat, kLong}), "i0 v0 i1 v1 i2");
  EXPECT_EQ(places(std::vector<TypePtr>(8, kInt)), "i0 i1 i2 i3 i4 i5 s0 s8");
  EXPECT_EQ(places(std::vector<TypePtr>(10, kFloat)), "v0 v1 v2 v3 v4 v5 v6 v7 s0 s8");
}

TEST(CallingConvention, StructuresByEightbyte) {
  EXPECT_EQ(places({structure({kInt, kInt}), kInt}), "i0 i1");
  EXPECT_EQ(places({structure({kFloat, kFloat}), kFloat}), "v0 v1");
  EXPECT_EQ(places({structure({kFloat, kInt}), kFloat}), "i0 v0");
  EXPECT_EQ(places({structure({kDouble, kLong}), kInt}), "v0i0 i1");
  EXPECT_EQ(places({structure({kLong, kDouble}), kInt}), "i0v0 i1");
  EXPECT_EQ(places({structure({kDouble, kDouble})}), "v0v1");
  EXPECT_EQ(places({structure({structure({kInt}), structure({kInt, kFloat})})}), "i0v0");
  EXPECT_EQ(places({structure({}), kInt}), "- i0");
}

TEST(CallingConvention, Memory) {
  EXPECT_EQ(places({structure({kLong, kLong, kInt}), kInt, kInt}), "s0 i0 i1");
  EXPECT_EQ(places({structure({kInt, kLong}, true), kInt}), "s0 i0") << "a packed structure";
  EXPECT_EQ(places({kExtended, kInt, kExtended}), "s0 i0 s16");
  EXPECT_EQ(places({structure({kExtended})}), "s0");
  // What is aligned to 16 leaves a hole.
  EXPECT_EQ(places({structure({kLong, kLong, kInt}), kExtended}), "s0 s32");
}

TEST(CallingConvention, WholeOrNotAtAll) {
  const std::vector<TypePtr> five(5, kInt);
  auto then = [&](const TypePtr& type) {
    auto all = five;
    all.insert(all.end(), {type, kInt});
    return places(all);
  };
  EXPECT_EQ(then(structure({kLong, kLong})), "i0 i1 i2 i3 i4 s0 i5");
  EXPECT_EQ(then(kWide), "i0 i1 i2 i3 i4 s0 i5");
  EXPECT_EQ(then(structure({kDouble, kLong})), "i0 i1 i2 i3 i4 v0i5 s0");
}

TEST(CallingConvention, Results) {
  EXPECT_EQ(places({kInt}, kInt), "i0:i0");
  EXPECT_EQ(places({kInt}, kDouble), "v0:i0");
  EXPECT_EQ(places({kInt}, structure({kDouble, kLong})), "v0i0:i0");
  EXPECT_EQ(places({kInt}, structure({kLong, kLong})), "i0i1:i0");
  EXPECT_EQ(places({kInt}, structure({kDouble, kDouble})), "v0v1:i0");
  EXPECT_EQ(places({kInt}, kExtended), "x87:i0");
  EXPECT_EQ(places({kInt}, structure({kExtended})), "x87:i0");
  // Its address comes first.
  EXPECT_EQ(places({kInt}, structure({kLong, kLong, kLong})), "memory:i1");
  ValueType object = *kPointer;
  object.is_object = true;
  EXPECT_EQ(places({kInt}, std::make_shared<const ValueType>(object)), "memory:i1");
}

TEST(CallingConvention, Vectors) {
  for (uint64_t size : {8, 16, 32, 64}) {
    ValueType vector = *scalar(TypeKind::Vector, size);
    vector.element = kFloat;
    vector.count = size / 4;
    const auto type = std::make_shared<const ValueType>(vector);
    EXPECT_EQ(places({type, kDouble}, type), "v0:v0 v1") << size;
  }
  EXPECT_EQ(places({scalar(TypeKind::OtherFloat, 16), kDouble}), "v0 v1");
}

TEST(CallingConvention, BitFields) {
  ValueType type;
  type.kind = TypeKind::Structure;
  type.size = 8;
  type.members.push_back({.name = "f", .offset = 0, .type = kFloat});
  type.members.push_back({.name = "b", .offset = 5, .type = kInt, .bit_size = 3, .bit_offset = 41});
  EXPECT_EQ(places({std::make_shared<const ValueType>(type)}), "i0");
}

}  // namespace
}  // namespace wc
