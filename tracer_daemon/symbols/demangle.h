// What a compiler has made of a function's name, back to what its author wrote.
#pragma once

#include <string>
#include <string_view>

namespace wc {

// C++, Rust (both manglings, without the hash), D, the procedures of Fortran's modules
// ("m::work"), OCaml ("Stdlib.List.map"). Any other name, and one that would explode, stays as it
// is. No more than 8 KiB are returned.
std::string demangle(std::string_view name);

}  // namespace wc
