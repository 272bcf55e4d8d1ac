// A line of `subscribe`, read.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace wc::top {

enum class Table : uint8_t { Function, Syscall, Thread, Caller, Path };
inline constexpr size_t kTables = 5;
std::string_view word_of(Table table);  // as in by=LIST

struct Counts {
  uint64_t calls = 0, syscalls = 0, errors = 0, ns = 0;
};

// What a row consists of: a function's system calls, a system call's functions.
struct Part {
  std::string name;
  Counts counts;
};

struct Row {
  std::string name, library;
  Counts counts;
  uint64_t average_ns = 0, p99_ns = 0;  // 0: unknown
  std::vector<Part> parts;
};

struct TableSample {
  std::vector<Row> rows;
  Counts total;
  uint64_t since = 0;   // CLOCK_MONOTONIC, nanoseconds
  uint64_t hidden = 0;  // rows that were not sent
};

// One system call.
struct RecentCall {
  uint64_t ts = 0, dur = 0;
  int64_t pid = 0, tid = 0;
  std::string function, text, error;
  std::vector<std::string> stack;
  bool operator==(const RecentCall&) const = default;
};

struct Sample {
  uint64_t ts = 0, processes = 0, threads = 0, events = 0, lost = 0, missed = 0;
  bool is_last = false;
  std::array<std::optional<TableSample>, kTables> tables;
  std::optional<std::vector<RecentCall>> recent;
};

// A line from the tracer: totals, or the answer to a request.
struct Answer {
  bool ok = false;
  std::string error;
  std::string text;              // the whole line
  std::optional<uint64_t> from;  // where it says nothing else
};

std::optional<Answer> read_answer(std::string_view line);  // nothing: it is none
Result<Sample> read_sample(std::string_view line);

// Of `inject list`.
struct RuleLine {
  uint64_t number = 0, hits = 0;
  std::string text;
};
std::vector<RuleLine> read_rules(std::string_view answer);

}  // namespace wc::top
