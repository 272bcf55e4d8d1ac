// What is left when the tracer is killed: a process of its own that then puts the text of all
// tracees back. It knows the places from memory that it shares with the tracer, and does nothing
// else.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "base/scoped_fd.h"

namespace wc {

class Guardian {
 public:
  // nullptr where no process can be made: then nothing puts the text back.
  static std::unique_ptr<Guardian> start();
  // Ends it. What is still noted is put back.
  ~Guardian();
  Guardian(const Guardian&) = delete;
  Guardian& operator=(const Guardian&) = delete;

  // An int3 will stand at `address`, over `original`. False: there is no room, it must not.
  [[nodiscard]] bool note(pid_t pid, uint64_t address, uint8_t original);
  void forget(pid_t pid, uint64_t address);
  void forget(pid_t pid);

 private:
  struct Entry;
  struct Table;
  Guardian() = default;
  static void restore(const Table& table);
  [[noreturn]] static void watch(const Table& table, int alive);

  using Index = std::map<std::pair<pid_t, uint64_t>, uint32_t>;
  Index::iterator forget(Index::iterator at);

  Table* table_ = nullptr;
  ScopedFd alive_;  // its other end sees this process end
  pid_t pid_ = 0;
  Index index_;  // of the entries in use
  std::vector<uint32_t> free_;
};

}  // namespace wc
