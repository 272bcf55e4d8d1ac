// The selection language of -B and [breakpoint] function=: functions by symbol.
//
//   name             as the author wrote it, its last parts (ns::Class::method, Class::method,
//                    method), with or without parameters and template arguments, or mangled. In
//                    the program if it has one of that name, else in every library that has.
//   glob             * ? [a-z] [!a-z]: the program's own functions whose name matches
//   file.c:X         X where it stands in that source file
//   X@library        X in that library only, also one that comes later by dlopen; the library as
//                    in -F: a glob on the soname, or its beginning up to a dot
//   !X               takes out what X would select
//
// Separated by commas or blanks, but for those inside of brackets.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace wc {

struct BreakTerm {
  bool exclude = false;
  bool is_glob = false;
  std::string pattern;  // name or glob
  std::string tight;    // the same without blanks that mean nothing
  std::string word;     // with which its last part begins; empty where that is no word
  std::string source;   // base name of the source file; empty: any
  std::string library;  // empty: the program, or for a name any library where it has none
  std::string text;     // as the user wrote it
};

// Syntax only.
Result<std::vector<BreakTerm>> parse_breakpoints(std::string_view list);

// How one function may be called.
struct FunctionNames {
  std::string symbol;      // as in the symbol table
  std::string full;        // demangled: ns::f(int) const; Rust's older names with their hash
  std::string plain;       // without parameters, result, hash: ns::f
  std::string parameters;  // (int)

  // Every spelling of the whole name, with parameters too.
  [[nodiscard]] std::vector<std::string> all() const;
};
FunctionNames names_of(std::string_view symbol, std::string demangled);

// By name only: source and library are the caller's business.
bool matches(const BreakTerm& term, const FunctionNames& names);

}  // namespace wc
