#include "catalog/glob.h"

namespace wc {
namespace {

// Matches one [...] at pattern[0]; advances `pattern` behind it. Without a closing bracket the
// bracket is an ordinary character (parse_selection refuses such patterns).
bool match_bracket(std::string_view& pattern, char c) {
  size_t i = 1;
  const bool negated = i < pattern.size() && (pattern[i] == '!' || pattern[i] == '^');
  if (negated) ++i;
  bool found = false;
  for (bool first = true; i < pattern.size(); first = false) {
    if (pattern[i] == ']' && !first) {
      pattern.remove_prefix(i + 1);
      return found != negated;
    }
    const auto low = static_cast<unsigned char>(pattern[i]);
    auto high = low;
    if (i + 2 < pattern.size() && pattern[i + 1] == '-' && pattern[i + 2] != ']') {
      high = static_cast<unsigned char>(pattern[i + 2]);
      i += 2;
    }
    ++i;
    const auto value = static_cast<unsigned char>(c);
    found = found || (low <= value && value <= high);
  }
  pattern.remove_prefix(1);
  return c == '[';
}

}  // namespace

bool has_glob(std::string_view text) { return text.find_first_of("*?[") != text.npos; }

// fnmatch needs NUL-terminated strings, follows the locale, and takes exponential time for some
// patterns; here a mismatch only ever goes back to the last star.
bool match_glob(std::string_view pattern, std::string_view text) {
  std::string_view star_pattern;
  std::string_view star_text;
  bool star = false;
  for (;;) {
    if (!pattern.empty() && pattern[0] == '*') {
      pattern.remove_prefix(1);
      star_pattern = pattern;
      star_text = text;
      star = true;
      continue;
    }
    if (text.empty() && pattern.empty()) return true;
    if (!text.empty() && !pattern.empty()) {
      std::string_view rest = pattern;
      bool ok = false;
      if (pattern[0] == '[') {
        ok = match_bracket(rest, text[0]);
      } else {
        ok = pattern[0] == '?' || pattern[0] == text[0];
        rest.remove_prefix(1);
      }
      if (ok) {
        pattern = rest;
        text.remove_prefix(1);
        continue;
      }
    }
    if (!star || star_text.empty()) return false;
    star_text.remove_prefix(1);
    text = star_text;
    pattern = star_pattern;
  }
}

bool brackets_close(std::string_view pattern) {
  for (size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] != '[') continue;
    size_t from = i + 1;
    if (from < pattern.size() && (pattern[from] == '!' || pattern[from] == '^')) ++from;
    const size_t close = pattern.find(']', from + 1);
    if (close == pattern.npos) return false;
    i = close;
  }
  return true;
}

bool match_library(std::string_view pattern, std::string_view soname) {
  if (pattern.empty()) return true;
  if (has_glob(pattern)) return match_glob(pattern, soname);
  if (!soname.starts_with(pattern)) return false;
  return soname.size() == pattern.size() || soname[pattern.size()] == '.';
}

}  // namespace wc
