// The number by which a linker tells one build of a file from all others (NT_GNU_BUILD_ID).
#pragma once

#include <gelf.h>

#include <string>

namespace wc {

// Raw bytes, empty when the file has none.
std::string build_id(Elf* elf);
// In hexadecimal digits, as file(1) and readelf(1) print it; empty when there is none or the file
// cannot be read.
std::string build_id_of(const std::string& path);

}  // namespace wc
