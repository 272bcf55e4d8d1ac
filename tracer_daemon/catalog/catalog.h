// The catalog: what is known of glibc's functions, as data (glibc_*.def).
// Source of the prototypes: the Linux man-pages, sections 2 and 3, and the
// headers of glibc 2.36; stack words are checked against its debug information.
// A libc function without a row takes all its arguments in registers and is wrapped
// by a frame. Of functions of other libraries nothing is known: not even that.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

#include "decode/arg_kind.h"

namespace wc {

// Classes a user selects with @name. A function may be in several.
enum FunctionClass : uint32_t {
  kStdio = 1u << 0,
  kFile = 1u << 1,  // calls that take a path or manage files and descriptors
  kNet = 1u << 2,
  kMemory = 1u << 3,   // allocation and mappings
  kProcess = 1u << 4,  // fork, exec, wait, ids, limits
  kThread = 1u << 5,
  kTime = 1u << 6,
  kSignal = 1u << 7,
  kLocale = 1u << 8,
  kLoader = 1u << 9,  // dlopen and friends
  kString = 1u << 10,
  kDirectory = 1u << 11,
  kDefault = 1u << 12,
};

// How the entry trampoline passes on what is on the stack.
enum class StackUse : uint8_t {
  None,    // everything is in registers
  Words,   // `stack_words` words are copied (functions with more than six words, bounded variadics)
  VaList,  // unbounded variadic: call `sibling` with a va_list in place of the variadic part
  ExecList,  // execl, execle, execlp: collect the vector and call `sibling` (execv, execve, execvp)
};

// Whether and how a function can be wrapped.
enum class Wrap : uint8_t {
  Frame,     // called from a frame of the trampoline
  TailJump,  // looks at its return address (dlopen, dlsym): scope opened, then jumped to
  Never,     // no frame can stand around it (vfork, setjmp); `reason` says why
};

struct FunctionSpec {
  std::string_view name;    // as exported: __printf_chk
  std::string_view family;  // public name, reported and selected: printf
  uint32_t classes = 0;     // OR of FunctionClass
  ArgSpec result;
  // In the order of the prototype. Kind Double travels in a vector register (long double: on the
  // stack) and takes no integer register. Optional arguments (the mode of open) are listed too.
  std::array<ArgSpec, kMaxArgs> args;
  uint8_t arg_count = 0;  // arguments that are described; StackUse::VaList: exactly the fixed ones
  StackUse stack = StackUse::None;
  uint8_t stack_words = 0;
  Wrap wrap = Wrap::Frame;
  std::string_view sibling;  // vprintf for printf, execv for execl
  std::string_view reason;   // for Wrap::Never
};

// All rows, sorted by name (a static_assert or a unit test holds it to that).
std::span<const FunctionSpec> catalog();

// The row of an exported name, or nullptr.
const FunctionSpec* find_function(std::string_view exported_name);

// Whether this function of libc never enters the kernel (glibc_pure.def).
bool is_pure_function(std::string_view exported_name);

// The class bit of "stdio" (without @), 0 when there is no such class.
uint32_t class_of_name(std::string_view name);

struct ClassName {
  std::string_view name;
  uint32_t bit;
  std::string_view what;  // one line for --list-functions
};
std::span<const ClassName> class_names();

}  // namespace wc
