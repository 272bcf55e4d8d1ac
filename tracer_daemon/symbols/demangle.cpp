// The demanglers are libstdc++'s for C++ and libiberty's for Rust and D. Names are input from
// anyone: those with which a demangler could be kept busy are not given to it.
#include "symbols/demangle.h"

#include <cxxabi.h>
#define HAVE_DECL_BASENAME 1  // else libiberty declares one that differs from string.h's
#include <libiberty/demangle.h>

#include <algorithm>
#include <cctype>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <vector>

namespace wc {
namespace {

constexpr size_t kMaxSymbol = 8192;

using Text = std::unique_ptr<char, decltype(&std::free)>;

std::string taken(const Text& text, std::string_view otherwise) {
  if (text == nullptr) return std::string(otherwise);
  return {text.get(), strnlen(text.get(), kMaxSymbol)};
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }
bool is_lower(char c) { return c >= 'a' && c <= 'z'; }

// ---- C++

// A mangled name can describe one exponentially longer (250 bytes become 570 MB), by references
// ("S1_", "T_") to what it described before: 24 of them multiply by 3^8 at most. Few real names
// have more (1 in 1,200 of 110,000 from C++ libraries); they stay mangled.
constexpr size_t kMaxMangled = 1024;
constexpr int kMaxReferences = 24;

bool is_safe_cpp(std::string_view name) {
  if (name.size() > kMaxMangled) return false;
  int references = 0;  // "S_", "S1A_", "T0_": an underscore behind a capital or a digit
  for (size_t i = 1; i < name.size(); ++i)
    references += name[i] == '_' && (is_upper(name[i - 1]) || is_digit(name[i - 1])) ? 1 : 0;
  return references <= kMaxReferences;
}

std::string demangle_cpp(const std::string& name) {
  if (!is_safe_cpp(name)) return name;
  int status = 0;
  const Text text(abi::__cxa_demangle(name.c_str(), nullptr, nullptr, &status), &std::free);
  return taken(text, name);
}

// ---- Rust and D: their references say where in the name the text to be repeated stands.

constexpr size_t kMaxReferring = 4096;  // Rust's real names have up to some 2,000 bytes
constexpr uint64_t kMaxSteps = 65536;

struct Reference {
  size_t target = 0;  // where the repeated text begins
  bool valid = false;
};

int base62_digit(char c) {
  if (is_digit(c)) return c - '0';
  if (is_lower(c)) return c - 'a' + 10;
  return is_upper(c) ? c - 'A' + 36 : -1;
}

// Rust's "B_", "B0_", "Bz_": 0, 1, 36 bytes behind the "_R".
Reference rust_reference(std::string_view name, size_t at) {
  if (name[at] != 'B') return {};
  size_t value = 0, i = at + 1;
  for (; i < name.size() && base62_digit(name[i]) >= 0 && value < kMaxReferring; ++i)
    value = value * 62 + static_cast<size_t>(base62_digit(name[i]));
  if (i == name.size() || name[i] != '_') return {};
  const size_t target = value + (i > at + 1 ? 1 : 0) + 2;
  return {target, target < at};
}

// D's "Qb", "QBc": 1, 28 bytes back.
Reference d_reference(std::string_view name, size_t at) {
  if (name[at] != 'Q') return {};
  size_t value = 0, i = at + 1;
  for (; i < name.size() && is_upper(name[i]) && value < kMaxReferring; ++i)
    value = value * 26 + static_cast<size_t>(name[i] - 'A');
  if (i == name.size() || !is_lower(name[i])) return {};
  value = value * 26 + static_cast<size_t>(name[i] - 'a');
  return {at - std::min(value, at), value > 0 && value <= at};
}

// Whether the demangler has to read few characters, repeated ones included. A reference at `i`
// costs at most what the text from its target to itself has cost.
template <typename Read>
bool is_safe_referring(std::string_view name, Read read) {
  if (name.size() > kMaxReferring) return false;
  std::vector<uint64_t> cost(name.size() + 1);
  for (size_t i = 0; i < name.size(); ++i) {
    const Reference reference = read(name, i);
    cost[i + 1] = cost[i] + 1 + (reference.valid ? cost[i] - cost[reference.target] : 0);
    if (cost[i + 1] > kMaxSteps) return false;
  }
  return true;
}

// Rust's legacy names are C++ names whose last part is a hash: "17h0123456789abcdefE".
bool is_legacy_rust(std::string_view name) {
  constexpr size_t kMark = 3, kDigits = 16;
  const size_t at = name.rfind("17h");
  if (!name.starts_with("_ZN") || at == name.npos) return false;
  const std::string_view digits = name.substr(at + kMark, kDigits);
  const std::string_view rest = name.substr(at + kMark + digits.size());
  return digits.find_first_not_of("0123456789abcdef") == digits.npos &&
         (rest == "E" || rest.starts_with("E."));  // "E.llvm.123"
}

std::string demangle_rust(const std::string& name) {
  if (!is_safe_referring(name, rust_reference)) return name;
  return taken(Text(rust_demangle(name.c_str(), DMGL_PARAMS), &std::free), name);
}

std::string demangle_d(const std::string& name) {
  if (!is_safe_referring(name, d_reference)) return name;
  return taken(Text(dlang_demangle(name.c_str(), 0), &std::free), name);
}

// ---- Fortran and OCaml, which have no grammar: a rule each.

// gfortran's "__m_MOD_work"; names are in lower case there, so that the mark is none of them.
std::string demangle_fortran(const std::string& name) {
  constexpr std::string_view kMark = "_MOD_";
  const size_t mark = name.find(kMark);
  if (mark == name.npos || mark < 3 || mark + kMark.size() == name.size()) return name;
  return name.substr(2, mark - 2) + "::" + name.substr(mark + kMark.size());
}

// "$3d" is "=".
bool append_ocaml_escape(std::string& out, std::string_view rest) {
  if (rest.size() < 3 || rest[0] != '$') return false;
  unsigned value = 0;
  for (char c : rest.substr(1, 2)) {
    if (std::isxdigit(static_cast<unsigned char>(c)) == 0) return false;
    value = value * 16 + static_cast<unsigned>(is_digit(c) ? c - '0' : (c | 0x20) - 'a' + 10);
  }
  if (value <= ' ' || value > '~') return false;
  out += static_cast<char>(value);
  return true;
}

// ocamlopt's "camlStdlib__List__map_123" (since 5.1 "camlStdlib__List.map_123").
std::string demangle_ocaml(const std::string& name) {
  std::string_view rest = std::string_view(name).substr(4);
  const size_t stamp = rest.find_last_not_of("0123456789");
  if (stamp + 1 < rest.size() && rest[stamp] == '_' && stamp > 0) rest = rest.substr(0, stamp);
  std::string out;
  while (!rest.empty()) {
    size_t length = 1;
    if (append_ocaml_escape(out, rest)) {
      length = 3;
    } else if (rest.starts_with("__") && rest.size() > 2 && rest[2] != '_' && !out.empty()) {
      out += '.';
      length = 2;
    } else {
      out += rest[0];
    }
    rest.remove_prefix(length);
  }
  return out.find('.') == out.npos ? name : out;
}

}  // namespace

std::string demangle(std::string_view name) {
  const std::string plain(name.substr(0, kMaxSymbol));
  if (plain.size() < name.size()) return plain;
  if (plain.starts_with("_R")) return demangle_rust(plain);
  if (plain.starts_with("_Z")) {
    std::string rust = is_legacy_rust(plain) ? demangle_rust(plain) : plain;
    return rust != plain ? rust : demangle_cpp(plain);
  }
  if (plain.size() > 2 && plain.starts_with("_D") && is_digit(plain[2])) return demangle_d(plain);
  if (plain.starts_with("__")) return demangle_fortran(plain);
  if (plain.size() > 4 && plain.starts_with("caml") && is_upper(plain[4]))
    return demangle_ocaml(plain);
  return plain;
}

}  // namespace wc
