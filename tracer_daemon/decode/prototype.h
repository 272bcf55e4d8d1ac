// What a function of the program takes and returns, as its debug information says, and where the
// System V ABI (AMD64 supplement, 3.2.3) has the caller put it.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace wc {

enum class TypeKind : uint8_t {
  Signed,
  Unsigned,
  Boolean,
  Character,
  Enumeration,
  Address,     // pointers and references
  String,      // char *
  WideString,  // wchar_t *
  Floating,    // float, double
  OtherFloat,  // _Float16, __float128, decimal ones: they travel like Floating and are not shown
  Extended,    // long double
  Structure,   // unions, too
  Array,       // inside of a structure
  Vector,      // __m128 and its like
};

struct ValueType;
using TypePtr = std::shared_ptr<const ValueType>;

struct Enumerator {
  int64_t value = 0;
  std::string name;
};

struct Member {
  std::string name;  // empty: a base class, or anonymous
  uint64_t offset = 0;
  TypePtr type;
  uint32_t bit_size = 0;    // 0: not a bit-field
  uint64_t bit_offset = 0;  // from the structure's first bit
};

struct ValueType {
  TypeKind kind = TypeKind::Unsigned;
  uint64_t size = 0;
  uint64_t alignment = 1;
  bool is_signed = false;               // Enumeration
  bool is_object = false;               // Address: of an object that may not be copied as bytes
  std::vector<Enumerator> enumerators;  // Enumeration
  std::vector<Member> members;          // Structure
  TypePtr element;                      // Array, Vector
  uint64_t count = 0;                   // Array, Vector
};

// Where a value is when its function is entered, or has returned.
struct Place {
  enum class Kind : uint8_t {
    Nowhere,    // it is empty
    Unknown,    // an optimiser has dropped it
    Registers,  // an eightbyte in each of `pieces`
    OnStack,    // `offset` bytes behind the return address
    Returned,   // result only: in memory, whose address is in rax
    X87,        // result only: on top of the floating-point stack
  };
  struct Piece {
    bool is_vector = false;
    uint8_t index = 0;   // rdi.. and xmm0..; of a result rax, rdx and xmm0, xmm1
    uint8_t offset = 0;  // of the part of the value that it holds
    uint8_t size = 8;
  };
  Kind kind = Kind::Nowhere;
  std::array<Piece, 2> pieces;
  uint8_t piece_count = 0;
  uint64_t offset = 0;
};

struct Parameter {
  TypePtr type;
  Place place;
};

struct FunctionPrototype {
  std::vector<Parameter> parameters;
  Parameter result;  // without a type: void
  bool is_variadic = false;
  // Whether the vector or x87 registers must be read, at the entry and at the return.
  bool takes_floats = false;
  bool returns_floats = false;
};

// Fills in the places, from the types. A result in memory takes the first register: its address.
void place_values(FunctionPrototype& prototype);

}  // namespace wc
