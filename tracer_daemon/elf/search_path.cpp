#include "elf/search_path.h"

#include <sys/auxv.h>
#include <unistd.h>

#include <algorithm>
#include <array>

namespace wc {

namespace {

constexpr std::string_view kMultiarchFolder = "/lib/x86_64-linux-gnu";

std::string_view platform() {
  const auto* name = reinterpret_cast<const char*>(getauxval(AT_PLATFORM));  // NOLINT: the ABI
  return name != nullptr ? name : "x86_64";
}

// $LIB is compiled into each distribution's loader; Debian's differs from everyone else's.
std::string_view lib_token() {
  static const bool multiarch = ::access(kMultiarchFolder.data(), F_OK) == 0;
  return multiarch ? kMultiarchFolder.substr(1) : std::string_view("lib64");
}

struct Token {
  std::string_view name;
  std::string_view value;
};

// The length of the token's spelling at the start of `text` ("$NAME" or "${NAME}"), or 0.
size_t match_token(std::string_view text, std::string_view name) {
  if (text.starts_with("${"))
    return text.substr(2).starts_with(name) && text.substr(2 + name.size()).starts_with('}')
               ? name.size() + 3
               : 0;
  if (!text.substr(1).starts_with(name)) return 0;
  const std::string_view rest = text.substr(1 + name.size());
  const bool goes_on =
      !rest.empty() && (rest[0] == '_' || (rest[0] >= 'A' && rest[0] <= 'Z') ||
                        (rest[0] >= 'a' && rest[0] <= 'z') || (rest[0] >= '0' && rest[0] <= '9'));
  return goes_on ? 0 : name.size() + 1;
}

std::vector<std::string> split(std::string_view list, std::string_view separators,
                               std::string_view origin) {
  std::vector<std::string> folders;
  if (list.empty()) return folders;
  for (size_t begin = 0; begin <= list.size();) {
    const size_t end = std::min(list.find_first_of(separators, begin), list.size());
    std::string folder = expand_tokens(list.substr(begin, end - begin), origin);
    if (folder.empty()) folder.assign(1, '.');
    while (folder.size() > 1 && folder.back() == '/') folder.pop_back();
    folders.push_back(std::move(folder));
    begin = end + 1;
  }
  return folders;
}

}  // namespace

std::string expand_tokens(std::string_view text, std::string_view origin) {
  const std::array<Token, 3> tokens{
      {{"ORIGIN", origin}, {"LIB", lib_token()}, {"PLATFORM", platform()}}};
  std::string expanded;
  for (size_t at = 0; at < text.size();) {
    size_t matched = 0;
    for (const Token& token : tokens) {
      if (text[at] != '$' || matched != 0) break;
      matched = match_token(text.substr(at), token.name);
      if (matched != 0) expanded += token.value;
    }
    if (matched == 0) expanded += text[at];
    at += matched != 0 ? matched : 1;
  }
  return expanded;
}

std::vector<std::string> split_search_path(std::string_view list, std::string_view origin) {
  return split(list, ":", origin);
}

std::vector<std::string> split_environment_path(std::string_view list, std::string_view origin) {
  return split(list, ":;", origin);
}

const std::vector<std::string>& default_folders() {
  static const std::vector<std::string> folders{std::string(kMultiarchFolder),
                                                "/usr/lib/x86_64-linux-gnu",
                                                "/lib64",
                                                "/usr/lib64",
                                                "/lib",
                                                "/usr/lib"};
  return folders;
}

int hwcaps_level(std::string_view name) {
  constexpr std::string_view kPrefix = "x86-64-v";
  if (name.size() != kPrefix.size() + 1 || !name.starts_with(kPrefix)) return 0;
  const char digit = name.back();
  return digit >= '2' && digit <= '4' ? digit - '0' : 0;
}

// Levels as the x86-64 psABI defines them, by the features that matter in practice.
int processor_level() {
  static const int level = [] {
    __builtin_cpu_init();
    if (!__builtin_cpu_supports("sse4.2") || !__builtin_cpu_supports("popcnt")) return 1;
    if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("bmi2") ||
        !__builtin_cpu_supports("fma"))
      return 2;
    const bool fourth = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                        __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
                        __builtin_cpu_supports("avx512vl");
    return fourth ? 4 : 3;
  }();
  return level;
}

}  // namespace wc
