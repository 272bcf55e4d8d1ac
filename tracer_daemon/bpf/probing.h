// The files of traced programs, each probed once.
#pragma once

#include <sys/types.h>

#include <set>
#include <string>
#include <utility>
#include <vector>

#include "bpf/bpf_engine.h"
#include "bpf/kernel_side.h"

namespace wc {

// A program and the libraries that it will have.
std::vector<ObjectFile> objects_of(const ObjectFile& program);

class Probing {
 public:
  Probing(const BpfOptions& options, KernelSide& kernel) : options_(options), kernel_(kernel) {}

  void probe(const std::vector<ObjectFile>& objects);
  // From here on none is replaced.
  void spare_return_addresses() { by_address_ = false; }
  // By number, of all files.
  [[nodiscard]] const FunctionTable& functions() const { return functions_; }

 private:
  struct ProbedFile {
    std::string path;
    bool is_program;
    std::set<std::string> in_program;
    uint32_t first_function;
  };
  void probe_file(const ObjectFile& object);
  void probe_returns(const ProbedFile& file);
  void say(int level, const std::string& text) const {
    if (options_.verbose >= level) options_.say(text);
  }

  const BpfOptions& options_;
  KernelSide& kernel_;
  FunctionTable functions_;
  std::set<std::pair<dev_t, ino_t>> probed_;
  std::set<std::string> found_in_program_;
  bool by_address_ = true;  // return addresses may be replaced
  std::vector<ProbedFile> by_address_files_;
};

}  // namespace wc
