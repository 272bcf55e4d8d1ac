// What a seccomp filter around the tracer does to the syscalls that it cannot do without, or for
// which it has another way. A filter may kill whoever issues one, and then there is nobody left to
// say so: they are tried in a child first. Only where there is a filter: a child costs a third of a
// millisecond.
#pragma once

#include <bitset>

#include "base/result.h"

namespace wc {

class Sandbox {
 public:
  // Those with another way, and the purposes for which the others are needed.
  enum class Call { Dispatch, Memfd, ForTracing, ForWrapping };

  static Sandbox examine();

  // Whether whoever issues it is killed.
  [[nodiscard]] bool kills(Call call) const;
  // An error names the first syscall for `purpose` that the tracer would be killed for.
  [[nodiscard]] Status allows(Call purpose) const;

 private:
  static constexpr size_t kMost = 32;
  std::bitset<kMost> killed_;
};

}  // namespace wc
