// The selection language of -F and [functions] wrap= (design: names, globs,
// @classes, name@library, !exclusions, separated by commas or blanks).
//
// A term selects among the symbols that the libraries of one program export.
// Terms apply from left to right; a list that begins with an exclusion begins
// with @default selected; an empty list selects nothing.
//
//   name        every library's function of that name. In libc it stands for its family:
//               open selects open64, __open_2, ..., and open64 does the same, because a
//               program cannot say which one its headers chose.
//   glob        * ? [a-z] [!a-z]: functions whose exported name, or in libc whose public
//               name, matches: 'open*' takes __open_2, '*_chk' takes only the _chk forms.
//   @class      libc's functions of a class (catalog.h); @all: all of libc's that can be wrapped.
//   X@library   the name or glob X in that library only. The library is a glob on the soname,
//               or its beginning up to a dot: compress@libz, '*@libz.so.1', '*@lib[xz]*'.
//   scope:X     scopes that the program names itself (wc/scope.h): those whose name, or glob, X is.
//               A list without such a term leaves all of them selected.
//   !X          takes out what X would select.
//
// Functions that cannot be wrapped (Wrap::Never, and the loader's _dl_*) are never
// selected, in whatever library: wrapping is by name, and the name would catch libc's
// too. Named explicitly they cause a warning; globs and classes skip them silently.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace wc {

struct Term {
  enum class Kind : uint8_t { Name, Glob, Class, All, Scope };
  Kind kind = Kind::Name;
  bool exclude = false;
  uint32_t class_bit = 0;  // Kind::Class
  std::string pattern;     // name or glob, without @library
  std::string library;     // glob on the soname; empty when none was given
  std::string text;        // as the user wrote it
};

// Syntax only. Errors name the term and, for a class, the nearest valid name.
Result<std::vector<Term>> parse_selection(std::string_view list);

// The terms that select scopes, as wc_stubs::scopes has them (protocol/stub.h).
std::string scope_patterns(std::span<const Term> terms);

// Whether the scope: terms, from left to right, end with this one selected.
bool selects_scope(std::span<const Term> terms, std::string_view name);

// One exported function of one library of the program.
struct Candidate {
  std::string_view name;     // exported name
  std::string_view library;  // soname
  bool is_libc = false;      // libc.so.6 (catalog rows apply only to libc's own symbols)
};

struct SelectionOutcome {
  std::vector<uint32_t> selected;  // indices into the candidates, ascending
  // One line each, without prefix: functions named explicitly that cannot be wrapped, and why;
  // terms that select nothing. Empty unless `strict`.
  std::vector<std::string> warnings;
};

// Pure. An explicit name that nothing exports is an error that offers the nearest
// names (edit distance) and says `name@library` for libraries loaded later by dlopen,
// unless `strict` is false (programs that a traced program execs: fewer libraries, and
// the user was told at launch). name@library of a library that is not among the
// candidates is a warning only: dlopen may bring it.
Result<SelectionOutcome> select(std::span<const Term> terms, std::span<const Candidate> candidates,
                                bool strict);

// How many names a "did you mean" offers.
inline constexpr size_t kMostSuggestions = 3;

// Up to kMostSuggestions different names of `names` nearest to `wrong`, best first; empty when none
// is near. Distance: insertions, deletions, substitutions, swapped neighbours; case is free.
std::vector<std::string_view> nearest(std::string_view wrong,
                                      std::span<const std::string_view> names);

}  // namespace wc
