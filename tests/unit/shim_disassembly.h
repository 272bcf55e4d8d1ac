// libwc_preload.so as binutils show it.
#pragma once

#include <cstring>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "run_program.h"

namespace wc {

inline bool is_installed(const char* tool) {
  return *tool != 0 && std::strstr(tool, "NOTFOUND") == nullptr;
}

// Lines that a binutils program prints of the shim.
inline std::vector<std::string> shim_lines(const char* tool, std::vector<std::string> options) {
  options.insert(options.begin(), tool);
  options.emplace_back(WC_SHIM);
  const Finished ran = run_program(options, {"LC_ALL=C"});
  EXPECT_EQ(ran.status, 0) << ran.err;
  std::istringstream stream(ran.out);
  std::vector<std::string> lines;
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

struct Instruction {
  uint64_t address = 0;
  std::string text;  // "mov    %rsp,%rbp"
  [[nodiscard]] std::string mnemonic() const { return text.substr(0, text.find(' ')); }
};

// By function name, in order; labels inside of a function begin a new one.
inline std::map<std::string, std::vector<Instruction>> shim_functions() {
  std::map<std::string, std::vector<Instruction>> functions;
  std::string name;
  for (const auto& line : shim_lines(OBJDUMP, {"-d", "--no-show-raw-insn"})) {
    if (line.size() > 18 && line.back() == ':' && line[0] != ' ') {
      const size_t from = line.find('<') + 1;
      name = line.substr(from, line.find('>') - from);
      functions[name];
    } else if (const size_t colon = line.find(":\t"); colon != std::string::npos) {
      functions[name].push_back(
          {std::stoull(line.substr(0, colon), nullptr, 16), line.substr(colon + 2)});
    }
  }
  return functions;
}

}  // namespace wc
