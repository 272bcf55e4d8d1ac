// The programs of a run that could not be wrapped, so that at its end one line says which, without
// -v: what is not seen must not be missed in silence.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace wc {

class Unwrapped {
 public:
  // A program, or a process of it, and why: "is statically linked; use ...". What stands behind a
  // semicolon is left out of the summary.
  void note(const std::string& path, const std::string& reason);

  // "2 programs were not wrapped: PATH (reason), PATH (reason) x3"; empty: there were none.
  [[nodiscard]] std::string summary() const;

 private:
  struct Kind {
    std::string path, reason;
    size_t count;
  };
  std::vector<Kind> kinds_;  // in the order of their first
  std::map<std::pair<std::string, std::string>, size_t> places_;
  size_t count_ = 0;
};

}  // namespace wc
