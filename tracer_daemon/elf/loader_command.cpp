#include "elf/loader_command.h"

#include <algorithm>
#include <array>
#include <string_view>

namespace wc {
namespace {

bool takes_value(std::string_view option) {
  constexpr std::array<std::string_view, 7> kOptions{
      "--library-path",         "--inhibit-rpath",    "--audit", "--preload", "--argv0",
      "--glibc-hwcaps-prepend", "--glibc-hwcaps-mask"};
  return std::ranges::find(kOptions, option) != kOptions.end();
}

}  // namespace

std::vector<std::string> split_preload_list(const std::string& list) {
  constexpr const char* kSeparators = " :";
  std::vector<std::string> names;
  for (size_t at = 0; (at = list.find_first_not_of(kSeparators, at)) != std::string::npos;) {
    size_t end = std::min(list.find_first_of(kSeparators, at), list.size());
    names.push_back(list.substr(at, end - at));
    at = end;
  }
  return names;
}

bool is_loader(const Image& image) {
  return image.interpreter.empty() && image.soname.starts_with("ld-linux");
}

LoaderCommand parse_loader_command(const std::vector<std::string>& words) {
  LoaderCommand command;
  size_t i = 1;
  for (; i < words.size() && words[i].starts_with("--"); i++) {
    const std::string& option = words[i];
    if (!takes_value(option)) {
      // --list, --verify, --help and what it does not know run nothing.
      if (option != "--inhibit-cache") return {};
      continue;
    }
    if (++i == words.size()) return {};
    if (option == "--library-path") command.library_path = words[i];
    if (option == "--preload") command.preloads = split_preload_list(words[i]);
  }
  if (i < words.size()) command.program = words[i];
  return command;
}

void start_through(const LoaderCommand& command, const std::string& loader, Image& program) {
  program.interpreter = loader;
  program.needed.insert(program.needed.begin(), command.preloads.begin(), command.preloads.end());
}

}  // namespace wc
