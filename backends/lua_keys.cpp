#include "lua_keys.h"

#include <algorithm>
#include <vector>

namespace wc::backends {

namespace {

bool is_word(char c) {
  return c == '_' || (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
}

// Words and single characters of a script, without what is between them. Comments and texts are
// read like code: a key too many costs time, one too few would be an error.
std::vector<std::string_view> tokens_of(std::string_view script) {
  std::vector<std::string_view> tokens;
  for (size_t i = 0; i < script.size();) {
    size_t end = i;
    while (end < script.size() && is_word(script[end])) ++end;
    if (end == i) ++end;
    if (script[i] < 0 || script[i] > ' ') tokens.push_back(script.substr(i, end - i));
    i = end;
  }
  return tokens;
}

// The tokens of `function name.of.it(a, b)` between the brackets.
void add_parameters(const std::vector<std::string_view>& tokens, size_t at,
                    std::vector<std::string_view>& parameters) {
  while (at < tokens.size() && tokens[at] != "(") ++at;
  for (; at < tokens.size() && tokens[at] != ")"; ++at)
    if (is_word(tokens[at].front())) parameters.push_back(tokens[at]);
}

}  // namespace

LuaKeySet LuaKeySet::named_in(std::string_view script) {
  const std::vector<std::string_view> tokens = tokens_of(script);
  std::vector<std::string_view> parameters, walked;  // what pairs() gets
  LuaKeySet keys;
  for (size_t i = 0; i < tokens.size(); ++i) {
    const std::string_view word = tokens[i];
    if (word == "next" || word == "rawget") keys.bits = kAll;
    if (word == "function") add_parameters(tokens, i, parameters);
    if (word == "pairs" && i + 3 < tokens.size() && tokens[i + 3] == ")")
      walked.push_back(tokens[i + 2]);
    if (i == 0 || std::string_view(".\"'[").find(tokens[i - 1].front()) == std::string_view::npos)
      continue;
    for (size_t key = 0; key < std::size(kLuaKeys); ++key)
      if (word == kLuaKeys[key]) keys.bits |= uint64_t{1} << key;
  }
  const auto is_parameter = [&](std::string_view name) {
    return std::ranges::find(parameters, name) != parameters.end();
  };
  if (std::ranges::any_of(walked, is_parameter)) keys.bits = kAll;
  return keys;
}

bool LuaKeySet::has(std::string_view key) const {
  const auto found = std::ranges::find(kLuaKeys, key);
  return found != std::end(kLuaKeys) && (bits >> (found - std::begin(kLuaKeys)) & 1) != 0;
}

}  // namespace wc::backends
