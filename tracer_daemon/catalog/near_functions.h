// "Did you mean" for the names of -B.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "catalog/breakpoint_selection.h"

namespace wc {

class NearFunctions {
 public:
  explicit NearFunctions(const BreakTerm& term);

  // A function that the term could have meant.
  void add(const FunctionNames& names);

  // Up to three, spelled with as many scopes as the term has.
  [[nodiscard]] std::vector<std::string> nearest() const;

 private:
  BreakTerm bare_;  // the term without parameters
  std::string pattern_;
  size_t parts_;
  std::set<std::string> overloads_;  // only the parameters differ
  std::set<std::string> others_;
};

}  // namespace wc
