// A point as the first words of a rule (docs/rules.md), and which of the system calls of that name
// it is: with both, --inject makes just this one fail.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "explore/trace.h"
#include "rules/rule.h"

namespace wc::explore {

// Whether a rule may name functions. What it names is wrapped, so that it must not do so where the
// user's own selection is by library or by breakpoint: other calls would be reported.
enum class Naming { WithFunction, WithoutFunction };

// Of the lists of -F and -B.
Naming naming_for(std::string_view functions, std::string_view breakpoints);

struct PointName {
  std::string where;  // "write@puts:from=main@hello"
  uint64_t when = 1;
  bool by_run = false;  // count=run: of all threads together

  [[nodiscard]] std::string rule(std::string_view error) const;
};

class Namer {
 public:
  Namer(const Trace& trace, Naming naming) : trace_(trace), naming_(naming) {}

  // Of the system call of that place in the trace.
  PointName name(std::size_t syscall);

 private:
  // What a rule can say of a system call, each part only where it means what it says.
  [[nodiscard]] std::string where(const Syscall& syscall) const;
  // As the tracer decides it for each system call (gates/tampering.cpp).
  bool holds(const Rule& rule, const std::string& where, const Syscall& syscall);
  bool is_inside(const Rule& rule, const std::string& where, const Call& call);

  const Trace& trace_;
  Naming naming_;
  std::map<std::pair<std::string, std::string>, bool> inside_;  // by rule and function
};

}  // namespace wc::explore
