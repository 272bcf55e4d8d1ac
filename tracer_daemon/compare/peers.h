// The other tools: how each is started.
#pragma once

#include <functional>
#include <set>

#include "compare/request.h"

namespace wc::compare {

// What scoped tracing has reported, so that peers can be asked for the same.
struct SameEvents {
  std::set<std::string> syscalls;
  std::set<std::string> functions;  // of libc
};

// Where things are on this machine; replaced in tests.
struct Surroundings {
  std::function<bool(const std::string&)> is_installed;
  bool is_root = false;
  std::string libc;  // path
  // The names under which libc has a function, its fortified form among them.
  std::function<std::set<std::string>(const std::string&)> names_in_libc;
};
Surroundings this_machine();

// Those that are not installed are left out; those that cannot run say why. `script`: a shell
// script that becomes the program, for tools that take no list of words.
std::vector<Entry> peer_entries(const std::vector<std::string>& program, const SameEvents& same,
                                const Surroundings& surroundings, const std::string& folder);

// The names of peers' executables, for the head of a report.
std::vector<std::string> peer_executables();

// exec 'WORD' 'WORD' ...
std::string script_text(const std::vector<std::string>& program);

}  // namespace wc::compare
