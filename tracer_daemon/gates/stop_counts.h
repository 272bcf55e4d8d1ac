// Engine inproc: the syscalls that stopped the program all the same, by the call that made them.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace wc {

// Why a syscall was not recorded in the process.
enum class StopReason : uint8_t {
  Rule,       // a rule is about it
  Syscall,    // the tracer always takes part in it (clone), or its structs cannot be recorded
  Arguments,  // its pointers, or those of a call around it
  Site        // its instruction could not be patched, or stands in a library that is not
};

class StopCounts {
 public:
  struct Row {
    std::string function, syscall;
    StopReason reason;
    uint64_t count;
  };

  void add(std::string_view function, uint32_t nr, StopReason reason);
  // Most first.
  [[nodiscard]] std::vector<Row> rows() const;
  // A line for the user about the largest; empty: there were none.
  [[nodiscard]] std::string summary() const;

 private:
  struct Key {
    std::string function;
    uint32_t nr;
    StopReason reason;
    auto operator<=>(const Key&) const = default;
  };
  std::map<Key, uint64_t> counts_;
};

// "rule", "syscall", "arguments", "site".
std::string_view name_of(StopReason reason);

}  // namespace wc
