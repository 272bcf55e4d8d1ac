// Writes the stub library of one program: an ELF shared object that exports
// exactly the selected functions, each a 16-byte stub into the shim's entry
// trampoline (protocol/stub.h). Pure: bytes in memory, no file.
//
// Source: System V gABI chapter 5, the GNU hash table as ld.so reads it,
// glibc's symbol versioning (LSB core, 10.7).
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "protocol/stub.h"

namespace wc {

enum class StubEntry : uint8_t { Plain, Stack, VaList, ExecList, Caller };

struct StubFunction {
  std::string name;             // exported
  std::string version;          // of this definition; empty: fits every request
  bool default_version = true;  // of several versions, the one that dlsym(3) gets
  bool oldest_version = false;  // the one that references without a version get, default or not
  bool late = false;   // exists for a reference only once a library that dlopen brought has it
  std::string target;  // what the shim looks up: the name itself, or its v sibling
  StubEntry entry = StubEntry::Plain;
  uint16_t stack_words = 0;
  uint8_t fixed_args = 0;
  uint8_t flags = 0;  // enum wc_function_flags
  wc_capture captures[WC_FUNCTION_CAPTURES] = {};
};

// The bytes of the library. Index i of the table is functions[i]. `socket_path` must be shorter
// than WC_SOCKET_PATH_SIZE. `scopes`: wc_stubs::scopes.
std::string build_stub_library(std::span<const StubFunction> functions, uint64_t id,
                               std::string_view socket_path, std::string_view scopes = {});

// Gives a library that was built before another id, socket and gate. False: it is no stub library.
bool readdress_stub_library(std::string& library, uint64_t id, std::string_view socket_path,
                            wc_gate gate);

}  // namespace wc
