#include "catalog/breakpoint_selection.h"

#include <algorithm>
#include <cctype>

#include "catalog/glob.h"

namespace wc {
namespace {

// The end of the term that begins at `from`.
size_t term_end(std::string_view list, size_t from) {
  int depth = 0;
  for (size_t i = from; i < list.size(); i++) {
    char c = list[i];
    if (c == '(' || c == '<') depth++;
    if (c == ')' || c == '>') depth = std::max(0, depth - 1);
    bool separates = c == ',' || std::isspace(static_cast<unsigned char>(c)) != 0;
    if (i > from && list[i - 1] == ')' && list.substr(i).starts_with(" const")) separates = false;
    if (separates && depth == 0) return i;
  }
  return list.size();
}

// The colon of file.c:name, which is not one of ns::name.
size_t source_colon(std::string_view text) {
  for (size_t i = 0; i < text.size(); i++) {
    if (text[i] == '(' || text[i] == '<') break;
    if (text[i] != ':') continue;
    if (i + 1 < text.size() && text[i + 1] == ':') {
      i++;
      continue;
    }
    return i;
  }
  return text.npos;
}

Result<BreakTerm> parse_term(std::string_view text) {
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
  // operator[] is a name; a bracket without its fellow is neither.
  bool is_operator = text.find("operator") != text.npos;
  term.is_glob = !is_operator && has_glob(text);
  if (term.is_glob && !brackets_close(text)) return bad("a '[' is not closed");
  term.pattern = text;
  return term;
}

// Without parameters and what follows them: "ns::f(int) const" is "ns::f".
std::string without_parameters(const std::string& full) {
  int depth = 0;
  for (size_t i = full.size(); i-- > 0;) {
    if (full[i] == ')') depth++;
    if (full[i] == '(' && --depth == 0) return full.substr(0, i);
  }
  return full;
}

// "int ns::f<int>" has its result before its name.
std::string without_result(const std::string& text) {
  int depth = 0;
  size_t name = 0;
  for (size_t i = 0; i < text.size(); i++) {
    if (text.compare(i, 8, "operator") == 0) break;
    if (text[i] == '<' || text[i] == '(') depth++;
    if (text[i] == '>' || text[i] == ')') depth--;
    if (text[i] == ' ' && depth == 0) name = i + 1;
  }
  return text.substr(name);
}

// "ns::f<int>" is "ns::f".
std::string_view without_arguments(std::string_view name) {
  if (!name.ends_with('>') || name.find("operator") != name.npos) return name;
  int depth = 0;
  for (size_t i = name.size(); i-- > 0;) {
    if (name[i] == '>') depth++;
    if (name[i] == '<' && --depth == 0) return name.substr(0, i);
  }
  return name;
}

// "ns::C::f" without its first part: "C::f"; empty at the last.
std::string_view behind_scope(std::string_view name) {
  int depth = 0;
  for (size_t i = 0; i + 2 < name.size(); i++) {
    if (name[i] == '<' || name[i] == '(') depth++;
    if (name[i] == '>' || name[i] == ')') depth--;
    if (depth == 0 && name[i] == ':' && name[i + 1] == ':') return name.substr(i + 2);
  }
  return {};
}

// What the compiler appends to copies of a whole function.
bool is_copy_of(std::string_view symbol, std::string_view name) {
  if (!symbol.starts_with(name)) return false;
  std::string_view rest = symbol.substr(name.size());
  return rest.starts_with(".isra.") || rest.starts_with(".constprop.");
}

}  // namespace

Result<std::vector<BreakTerm>> parse_breakpoints(std::string_view list) {
  std::vector<BreakTerm> terms;
  for (size_t at = 0; at < list.size();) {
    size_t end = term_end(list, at);
    if (end > at) {
      auto term = parse_term(list.substr(at, end - at));
      if (!term) return term.error();
      terms.push_back(std::move(*term));
    }
    at = end + 1;
  }
  return terms;
}

FunctionNames names_of(std::string_view symbol, std::string demangled) {
  FunctionNames names{std::string(symbol), std::move(demangled), {}};
  bool is_cpp = names.full != names.symbol;
  names.plain = is_cpp ? without_result(without_parameters(names.full)) : names.symbol;
  return names;
}

bool matches(const BreakTerm& term, const FunctionNames& names) {
  auto fits = [&](std::string_view name) {
    return term.is_glob ? match_glob(term.pattern, name) : term.pattern == name;
  };
  if (fits(names.symbol)) return true;
  if (!term.is_glob && is_copy_of(names.symbol, term.pattern)) return true;
  if (names.full == names.symbol) return false;
  // As a debugger takes it: the last parts of a C++ name are enough.
  for (std::string_view name : {std::string_view(names.full), std::string_view(names.plain),
                                without_arguments(names.plain)})
    for (std::string_view part = name;; part = behind_scope(part)) {
      if (fits(part)) return true;
      if (behind_scope(part).empty()) break;
    }
  return false;
}

}  // namespace wc
