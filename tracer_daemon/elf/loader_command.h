// A program that is started through the dynamic loader, as AppImage, conda and Nix do it:
//   ld-linux-x86-64.so.2 [OPTION]... PROGRAM [ARGUMENT]...
// Source: ld.so(8), rtld_parse_options() and dl_main() in glibc's elf/rtld.c.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "elf/image.h"

namespace wc {

struct LoaderCommand {
  std::string program;                      // empty: it runs none, but lists or explains something
  std::optional<std::string> library_path;  // instead of LD_LIBRARY_PATH
  std::vector<std::string> preloads;        // behind those of LD_PRELOAD
};

// The names in a list as LD_PRELOAD and --preload take it.
std::vector<std::string> split_preload_list(const std::string& list);

// glibc's, of any architecture.
bool is_loader(const Image& image);

// The words of the command, the loader's name in front.
LoaderCommand parse_loader_command(const std::vector<std::string>& words);

// The program as the loader at `loader` will start it.
void start_through(const LoaderCommand& command, const std::string& loader, Image& program);

}  // namespace wc
