// The arguments and the result of a function whose prototype is known, as text and as values.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "decode/decoder.h"
#include "decode/prototype.h"

namespace wc {

enum class ValueKind : uint8_t { Unknown, Signed, Unsigned, Address, Float, Text };

struct TypedValue {
  DecodedArg shown;
  ValueKind kind = ValueKind::Unknown;
  uint64_t word = 0;  // of a Float the bits of a double
};

struct TypedArguments {
  std::vector<TypedValue> values;
  bool has_more = false;  // behind the fixed ones: the function is variadic
};

// The registers of a thread at a function's first instruction, or where it has returned to.
struct CallRegisters {
  static constexpr size_t kVectors = 8;
  using Vector = std::array<std::byte, 16>;

  std::array<uint64_t, 6> integers{};  // rdi..r9; where it has returned rax, rdx
  std::array<Vector, kVectors> vectors{};
  Vector x87{};             // st0
  bool has_floats = false;  // vectors and x87 were read
  uint64_t stack = 0;       // where arguments on the stack begin
};

TypedArguments decode_arguments(const DecodeContext& context, const FunctionPrototype& prototype,
                                const CallRegisters& registers);
// Without text for void.
TypedValue decode_result(const DecodeContext& context, const FunctionPrototype& prototype,
                         const CallRegisters& registers);

// "3, "abc", RED", and ", ..." of a variadic function.
void join_args(const TypedArguments& arguments, std::string& out);

}  // namespace wc
