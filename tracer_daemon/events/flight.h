// The flight recorder (--flight): the last entries of each thread's tape, kept in memory until
// somebody asks for them. Each entry begins anew, so that those in front of it can be dropped.
//
// What numbers mean (functions, maps) is kept as long as the process lives, and of the last
// processes that have ended.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <vector>

#include "raw_file.h"

namespace wc {

// A chunk of a raw file that has so many bytes is full.
inline constexpr size_t kFullChunk = size_t{256} << 10;

class Flight {
 public:
  // `most`: events of a thread.
  explicit Flight(uint32_t most) : most_(most) {}

  struct Entry {
    uint64_t number = 0;  // in the order in which they came
    std::string bytes;
    bool is_event = false;
    bool is_outermost = false;  // no call was open before it: entries may begin here
  };
  void keep(int32_t pid, int32_t tid, Entry entry);
  void define(int32_t pid, std::string bytes);
  void ended(int32_t pid);
  // All that is there, in order, in chunks.
  void write(raw::Writer& writer, uint64_t now) const;

 private:
  static constexpr size_t kMostEnded = 64;
  struct Thread {
    std::deque<Entry> entries;
    uint64_t events = 0;
  };
  struct Process {
    std::vector<Entry> definitions;
    std::map<int32_t, Thread> threads;
  };
  void trim(Thread& thread) const;

  uint32_t most_;
  uint64_t next_ = 0;
  // By number and by how many of that number there were before: numbers are used again.
  std::map<int32_t, Process> processes_;
  std::deque<Process> ended_;
};

}  // namespace wc
