#include "catalog/breakpoint_selection.h"

#include <algorithm>
#include <cctype>

#include "catalog/glob.h"
#include "names/function_name.h"

namespace wc {
namespace {

bool is_blank(char c) { return std::isspace(static_cast<unsigned char>(c)) != 0; }

// "f(int) const", "C::operator bool": blanks that are a part of a C++ name.
bool is_inside_name(std::string_view list, size_t from, size_t blank) {
  std::string_view before = list.substr(from, blank - from), rest = list.substr(blank);
  if (before.ends_with("operator")) return true;
  return before.ends_with(')') && (rest.starts_with(" const") || rest.starts_with(" &"));
}

// The end of the term that begins at `from`.
size_t term_end(std::string_view list, size_t from) {
  for (size_t i = from; i < list.size(); i = next_in_name(list, i))
    if (list[i] == ',' || (is_blank(list[i]) && !is_inside_name(list, from, i))) return i;
  return list.size();
}

// The colon of file.c:name, which is not one of ns::name.
size_t source_colon(std::string_view text) {
  for (size_t i = 0; i < text.size(); i++) {
    if (std::string_view("(<[{").find(text[i]) != text.npos) break;
    if (text[i] != ':') continue;
    if (i + 1 < text.size() && text[i + 1] == ':') {
      i++;
      continue;
    }
    return i;
  }
  return text.npos;
}

bool is_word(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }

// The stars of "f(char*)", "<*const T>::f" and "main.(*T).Do" are pointers; that of "f(*)" is not.
bool is_pointer(std::string_view text, size_t star) {
  std::string_view rest = text.substr(star + 1);
  if (rest.starts_with("const ") || rest.starts_with("mut ")) return true;
  size_t before = text.find_last_not_of(' ', star - 1);
  if (star == 0 || before == text.npos) return false;
  if (text[before] == '(' && !rest.empty()) return is_word(rest[0]);
  return is_word(text[before]) || std::string_view(">*&)").find(text[before]) != text.npos;
}

// Whether a letter of a glob stands in it that is not a letter of a name.
bool is_name_glob(std::string_view text) {
  for (size_t i = 0, end; i < text.size(); i = end) {
    end = next_in_name(text, i);
    bool is_tag = text.substr(i).starts_with("[abi:");
    bool is_word_or_sign = text[i] == 'o' && end > i + 1;  // operator[], operator*
    if (is_word_or_sign || is_tag) continue;
    if (text[i] == '[' || text[i] == '*' || text[i] == '?') return true;
    for (size_t inside = i + 1; inside < end; inside++)
      if (text[inside] == '?' || (text[inside] == '*' && !is_pointer(text, inside))) return true;
  }
  return false;
}

std::string first_word_of_last_part(std::string_view name) {
  for (std::string_view part = name; !part.empty(); part = behind_scope(part)) name = part;
  return std::string(name.begin(), std::find_if_not(name.begin(), name.end(), is_word));
}

Result<BreakTerm> parse_break_term(std::string_view text) {
  BreakTerm term;
  term.text = text;
  auto bad = [&](const std::string& why) {
    return Error{"breakpoint '" + term.text + "': " + why, 0};
  };
  if (text.starts_with('!')) {
    term.exclude = true;
    text.remove_prefix(1);
  }
  if (size_t at = text.rfind('@'); at != text.npos) {
    term.library = text.substr(at + 1);
    text = text.substr(0, at);
    if (term.library.empty()) return bad("no library is named behind '@'");
    if (!brackets_close(term.library)) return bad("a '[' is not closed");
  }
  if (text.starts_with('@')) return bad("classes are for -F; functions are named one by one here");
  if (size_t colon = source_colon(text); colon != text.npos) {
    term.source = text.substr(0, colon);
    text = text.substr(colon + 1);
    if (term.source.empty()) return bad("no source file is named before ':'");
    if (!text.empty() &&
        std::all_of(text.begin(), text.end(), [](unsigned char c) { return std::isdigit(c) != 0; }))
      return bad("lines cannot be named; name a function of the file: " + term.source + ":NAME");
  }
  if (text.empty()) return bad("no function is named");
  term.is_glob = is_name_glob(text);
  if (term.is_glob && !brackets_close(text)) return bad("a '[' is not closed");
  term.pattern = text;
  term.tight = tight_name(text);
  term.word = first_word_of_last_part(text);
  return term;
}

// What the compiler appends to copies of a whole function.
bool is_copy_of(std::string_view symbol, std::string_view name) {
  if (!symbol.starts_with(name)) return false;
  std::string_view rest = symbol.substr(name.size());
  if (rest.starts_with(".isra.") || rest.starts_with(".constprop.")) return true;
  // A function inside of another one: gcc's in C, a contained procedure in Fortran.
  return rest.size() > 1 && rest[0] == '.' &&
         std::all_of(rest.begin() + 1, rest.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// "::h0123456789abcdef" of "_ZN...17h0123456789abcdefE", as Rust's older mangling has it; or
// nothing.
std::string rust_hash(std::string_view symbol) {
  constexpr size_t kHash = 17;  // the h and its digits
  size_t at = symbol.rfind("17h");
  if (!symbol.starts_with("_ZN") || at == symbol.npos) return {};
  std::string_view hash = symbol.substr(at + 2, kHash), rest = symbol.substr(at + 2 + hash.size());
  bool is_hash = hash.find_first_not_of("0123456789abcdef", 1) == hash.npos;
  return is_hash && (rest == "E" || rest.starts_with("E.")) ? "::" + std::string(hash) : "";
}

}  // namespace

Result<std::vector<BreakTerm>> parse_breakpoints(std::string_view list) {
  std::vector<BreakTerm> terms;
  for (size_t at = 0; at < list.size();) {
    size_t end = term_end(list, at);
    if (end > at) {
      auto term = parse_break_term(list.substr(at, end - at));
      if (!term) return term.error();
      terms.push_back(std::move(*term));
    }
    at = end + 1;
  }
  return terms;
}

FunctionNames names_of(std::string_view symbol, std::string demangled) {
  FunctionNames names{std::string(symbol), std::move(demangled), {}, {}};
  if (names.full == names.symbol) {
    names.plain = names.symbol;
    return names;
  }
  auto [plain, parameters] = split_name(names.full);
  names.plain = std::move(plain);
  names.parameters = std::move(parameters);
  if (std::string hash = rust_hash(symbol); !names.full.ends_with(hash)) names.full += hash;
  return names;
}

bool matches(const BreakTerm& term, const FunctionNames& names) {
  auto fits = [&](std::string_view pattern, std::string_view name) {
    return pattern == name || (term.is_glob && match_glob(pattern, name));
  };
  if (fits(term.pattern, names.symbol)) return true;
  if (!term.is_glob && is_copy_of(names.symbol, term.pattern)) return true;
  if (names.full == names.symbol && names.full.find_first_of(".(<") == std::string::npos)
    return false;
  // Most functions of a large program are passed over here.
  if (!term.is_glob && names.full.find(term.word) == std::string::npos) return false;
  // As a debugger takes it: the last parts of a name are enough.
  auto fits_end_of = [&](const std::string& pattern, const std::string& name) {
    for (std::string_view part = name; !part.empty(); part = behind_scope(part))
      if (fits(pattern, part)) return true;
    return false;
  };
  bool has_brackets = term.pattern.find_first_of("(<") != std::string::npos;
  for (const std::string& name : names.all()) {
    if (fits_end_of(term.pattern, name)) return true;
    if (has_brackets && fits_end_of(term.tight, tight_name(name))) return true;
  }
  return false;
}

std::vector<std::string> FunctionNames::all() const {
  std::vector<std::string> every = spellings(plain);
  for (size_t i = 0, count = every.size(); !parameters.empty() && i < count; i++)
    every.push_back(every[i] + parameters);
  if (full != plain) every.push_back(full);
  return every;
}

}  // namespace wc
