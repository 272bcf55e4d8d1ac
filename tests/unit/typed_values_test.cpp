#include "decode/typed_values.h"

#include <gmock/gmock.h>

#include <cstring>

#include "decode_fake_memory.h"

namespace wc {
namespace {

TypePtr scalar(TypeKind kind, uint64_t size) {
  ValueType type;
  type.kind = kind;
  type.size = type.alignment = size;
  return std::make_shared<const ValueType>(type);
}

class TypedValues : public testing::Test {
 protected:
  TypedValue value(const TypePtr& type, uint64_t word, double vector = 0) {
    FunctionPrototype prototype;
    prototype.parameters.push_back({.type = type});
    place_values(prototype);
    CallRegisters registers;
    registers.integers[0] = word;
    registers.has_floats = prototype.takes_floats;
    std::memcpy(registers.vectors.data(), &vector, sizeof vector);
    return decode_arguments(context_, prototype, registers).values.at(0);
  }
  std::string text(const TypePtr& type, uint64_t word, double vector = 0) {
    return value(type, word, vector).shown.text;
  }

  FakeMemory memory_;
  DecodeOptions options_;
  DecodeContext context_{memory_, options_, 0};
};

// What stands in a register beyond a value's size is nobody's.
TEST_F(TypedValues, OnlyAsWideAsTheType) {
  constexpr uint64_t kJunk = 0xdeadbeef'00000000;
  EXPECT_EQ(text(scalar(TypeKind::Signed, 4), kJunk | 0xfffffffe), "-2");
  EXPECT_EQ(text(scalar(TypeKind::Unsigned, 4), kJunk | 0xfffffffe), "4294967294");
  EXPECT_EQ(text(scalar(TypeKind::Signed, 2), kJunk | 0x18000), "-32768");
  EXPECT_EQ(text(scalar(TypeKind::Signed, 1), kJunk | 0x3ff), "-1");
  EXPECT_EQ(text(scalar(TypeKind::Unsigned, 1), kJunk | 0x3ff), "255");
  EXPECT_EQ(text(scalar(TypeKind::Signed, 8), ~0ull), "-1");
  EXPECT_EQ(text(scalar(TypeKind::Unsigned, 8), ~0ull), "18446744073709551615");
  EXPECT_EQ(text(scalar(TypeKind::Boolean, 1), kJunk | 0x100), "false");
  EXPECT_EQ(text(scalar(TypeKind::Boolean, 1), kJunk | 1), "true");
  EXPECT_EQ(text(scalar(TypeKind::Boolean, 1), 3), "3") << "neither";
}

TEST_F(TypedValues, Characters) {
  const TypePtr type = scalar(TypeKind::Character, 1);
  EXPECT_EQ(text(type, 'a'), "'a'");
  EXPECT_EQ(text(type, '\''), "'\\''");
  EXPECT_EQ(text(type, 0), "'\\0'");
  EXPECT_EQ(text(type, 0xff), "'\\377'");
  EXPECT_EQ(text(type, 0xe9), "'\\351'");
  EXPECT_EQ(text(scalar(TypeKind::Character, 4), 'd'), "'d'");
  EXPECT_EQ(text(scalar(TypeKind::Character, 4), 0x1f600), "128512");
}

TEST_F(TypedValues, Enumerators) {
  ValueType type = *scalar(TypeKind::Enumeration, 4);
  type.is_signed = true;
  type.enumerators = {{1, "ONE"}, {-2, "MINUS"}};
  const auto one = std::make_shared<const ValueType>(type);
  EXPECT_EQ(text(one, 1), "ONE");
  EXPECT_EQ(text(one, 0xfffffffe), "MINUS");
  EXPECT_EQ(text(one, 9), "9");
  type.is_signed = false;
  type.size = 1;
  type.enumerators = {{-56, "TWO_HUNDRED"}};  // as some compilers write 200
  EXPECT_EQ(text(std::make_shared<const ValueType>(type), 200), "TWO_HUNDRED");
}

TEST_F(TypedValues, Addresses) {
  EXPECT_EQ(text(scalar(TypeKind::Address, 8), 0), "NULL");
  EXPECT_EQ(text(scalar(TypeKind::Address, 8), 0x10), "0x10");
}

TEST_F(TypedValues, StringsAsThoseOfSyscalls) {
  const TypePtr type = scalar(TypeKind::String, 8);
  EXPECT_EQ(text(type, memory_.put_string("a\n\"")), R"("a\n\"")");
  EXPECT_EQ(text(type, memory_.put_string(std::string(40, 'x'))),
            '"' + std::string(32, 'x') + "\"...");
  EXPECT_EQ(text(type, 0), "NULL");
  EXPECT_EQ(text(type, 0x7), "0x7") << "unreadable";
  EXPECT_EQ(value(type, memory_.put_string("a\n")).shown.data, "a\n");
}

TEST_F(TypedValues, Floats) {
  EXPECT_EQ(text(scalar(TypeKind::Floating, 8), 0, 0.1), "0.1");
  EXPECT_EQ(text(scalar(TypeKind::Floating, 8), 0, -1e300), "-1e+300");
  EXPECT_EQ(text(scalar(TypeKind::OtherFloat, 2), 0, 1), "?");
  const TypedValue half = value(scalar(TypeKind::Floating, 8), 0, 0.5);
  EXPECT_EQ(half.kind, ValueKind::Float);
  const double expected = 0.5;
  EXPECT_EQ(std::memcmp(&half.word, &expected, sizeof expected), 0);
}

TEST_F(TypedValues, RegistersThatWereNotRead) {
  FunctionPrototype prototype;
  prototype.parameters.push_back({.type = scalar(TypeKind::Floating, 8)});
  place_values(prototype);
  const TypedArguments arguments = decode_arguments(context_, prototype, {});
  EXPECT_EQ(arguments.values[0].shown.text, "?");
}

TEST_F(TypedValues, StackThatCannotBeRead) {
  FunctionPrototype prototype;
  for (int i = 0; i < 7; i++) prototype.parameters.push_back({.type = scalar(TypeKind::Signed, 4)});
  prototype.is_variadic = true;
  place_values(prototype);
  std::string text;
  join_args(decode_arguments(context_, prototype, {}), text);
  EXPECT_EQ(text, "0, 0, 0, 0, 0, 0, ?, ...");
  CallRegisters registers;
  registers.stack = memory_.put_value(uint64_t{0xdead0000'0000002a});
  join_args(decode_arguments(context_, prototype, registers), text);
  EXPECT_EQ(text, "0, 0, 0, 0, 0, 0, 42, ...");
}

TEST_F(TypedValues, BitFieldsAndNestedStructures) {
  const TypePtr integer = scalar(TypeKind::Signed, 4);
  ValueType inner;
  inner.kind = TypeKind::Structure;
  inner.size = inner.alignment = 4;
  inner.members = {{.name = "a", .type = integer, .bit_size = 3, .bit_offset = 0},
                   {.name = "b", .type = integer, .bit_size = 7, .bit_offset = 3}};
  ValueType outer;
  outer.kind = TypeKind::Structure;
  outer.size = 8;
  outer.alignment = 4;
  outer.members = {{.name = "", .offset = 0, .type = std::make_shared<const ValueType>(inner)},
                   {.name = "n", .offset = 4, .type = integer}};
  EXPECT_EQ(text(std::make_shared<const ValueType>(outer), uint64_t{5} << 32 | 0x2b),
            "{{a=3, b=5}, n=5}");
  EXPECT_EQ(text(std::make_shared<const ValueType>(outer), 0x3fc), "{{a=-4, b=-1}, n=0}");
}

}  // namespace
}  // namespace wc
