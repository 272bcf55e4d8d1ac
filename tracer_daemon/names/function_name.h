// Reads the names of functions as demanglers and debuggers write them: C++, Rust, D, Go, OCaml,
// Fortran. The text alone is looked at, in one pass each, so that no name takes long.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace wc {

// Behind what stands at `at`: a bracket with all that it holds, an operator with its sign
// ("operator<"), an arrow, or one character. A bracket that is not closed reaches to the end.
size_t next_in_name(std::string_view name, size_t at);

// A function's own name, without its result and ABI tags, and its parameters:
// "int ns::f<int>(int) const" is "ns::f<int>" and "(int)". What has no parameters is a name.
struct FunctionName {
  std::string plain;
  std::string parameters;
};
FunctionName split_name(std::string_view demangled);
inline std::string plain_name(std::string_view demangled) { return split_name(demangled).plain; }

// The plain name, and others that mean the same function: without template or generic arguments
// ("ns::Box::get", "core::ptr::drop_in_place"), a Rust method by its type or trait
// ("<r::Foo<u32> as r::Sp>::speak" is "r::Foo::speak" and "r::Sp::speak"), a Go method by its type
// ("main.(*T).Do" is "main.T.Do").
std::vector<std::string> spellings(std::string_view plain);

// The name without its outermost scope: "C::f" of "ns::C::f", "(*T).Do" of "main.(*T).Do". Empty
// when it has none. What compilers append to names (".constprop.0") is no part of its own.
std::string_view behind_scope(std::string_view name);

// Without blanks that mean nothing, and with "const" where demanglers write it, so that
// "f(const char*,int)" equals "f(char const*, int)".
std::string tight_name(std::string_view name);

}  // namespace wc
