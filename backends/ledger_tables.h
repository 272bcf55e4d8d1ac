// What backend "ledger" keeps: the descriptor tables of processes, by what was done to them.
//
// Threads share a table, so what two of them do must be put in order. Nobody sees the moment at
// which the kernel gives or takes a number, but its bounds: a number is given before the system
// call that opens it ends, and taken after the one that closes it begins. So what opens counts at
// its end and what closes at its begin; then each use of a number stands in order, however the
// events of threads come. They come late at most by the time in which the tracer looks at all
// rings.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace wc::backends {

// Who did it: the outermost open call and its caller. Each exists once.
struct LedgerPlace {
  std::string text;   // "fopen, main at leak.c:9"
  std::string stack;  // with -k: a line a frame
  auto operator<=>(const LedgerPlace&) const = default;
};

// Texts, each once; operations wait in large numbers. What comes after the first 65,536 is one.
class LedgerNames {
 public:
  std::string_view intern(std::string_view text) {
    constexpr size_t kMost = 65'536;
    const auto found = names_.find(text);
    if (found != names_.end()) return *found;
    return names_.size() < kMost ? std::string_view(*names_.emplace(text).first) : "(more)";
  }

 private:
  std::set<std::string, std::less<>> names_;
};

struct LedgerOp {
  enum class Kind : uint8_t {
    Open,       // fd; other: the descriptor that it was made from, or -1
    Close,      // fd
    CloseMany,  // fd to other
    Mark,       // fd to other are closed at exec (is_cloexec), or not
    BadClose,   // fd was not open
    BadUse,     // the same
    Fork,       // other: the child
    Exec,
    Exit,
  };
  uint64_t at = 0;
  Kind kind = Kind::Open;
  int32_t pid = 0, tid = 0;
  int64_t fd = -1, other = -1;
  bool is_cloexec = false;
  const LedgerPlace* place = nullptr;
  std::string_view what;  // "openat \"/etc/hosts\""; of Exec the program. Of LedgerNames
};

// Something to be said at the end, and how often it happened.
struct LedgerRow {
  std::string process;  // "prog[4312]"
  const LedgerPlace* opened = nullptr;
  const LedgerPlace* closed = nullptr;
  const LedgerPlace* by = nullptr;             // who closed it again, or used it
  const LedgerPlace* before_opened = nullptr;  // who had the number before that
  const LedgerPlace* before_closed = nullptr;
  std::string what;
  auto operator<=>(const LedgerRow&) const = default;
};
struct LedgerCount {
  uint64_t times = 0;
  std::vector<int64_t> fds;  // the first of them
};
using LedgerRows = std::map<LedgerRow, LedgerCount>;

class LedgerTables {
 public:
  void apply(const LedgerOp& op);
  // What is open now stays open at the end.
  void close();

  [[nodiscard]] const LedgerRows& still_open() const { return still_open_; }
  [[nodiscard]] const LedgerRows& through_exec() const { return through_exec_; }
  [[nodiscard]] const LedgerRows& closed_twice() const { return closed_twice_; }
  [[nodiscard]] const LedgerRows& used_closed() const { return used_closed_; }
  [[nodiscard]] const LedgerRows& never_open() const { return never_open_; }
  [[nodiscard]] uint64_t most() const { return most_; }
  [[nodiscard]] const std::string& most_process() const { return most_process_; }
  [[nodiscard]] const LedgerPlace* most_place() const { return most_place_; }
  [[nodiscard]] uint64_t closed_unseen() const { return closed_unseen_; }
  [[nodiscard]] uint64_t dropped() const { return dropped_; }

 private:
  struct Open {
    const LedgerPlace* place = nullptr;
    std::string what;
    bool is_cloexec = false;
    bool is_inherited = false;
    uint64_t at = 0;
    int32_t tid = 0;
  };
  // Of a number that is not open any more, or is again.
  struct Past {
    const LedgerPlace* opened = nullptr;
    const LedgerPlace* closed = nullptr;
    const LedgerPlace* before_opened = nullptr;
    const LedgerPlace* before_closed = nullptr;
    std::string what;
  };
  struct Table {
    std::string program = "?";
    std::map<int64_t, Open> open;
    std::unordered_map<int64_t, Past> past;
    std::unordered_map<int64_t, Open> displaced;  // whose close has not been seen, and yet is gone
  };

  Table& table(int32_t pid) { return tables_[pid]; }
  static std::string name(int32_t pid, const Table& table);
  void add(LedgerRows& rows, LedgerRow row, int64_t fd);
  void open(Table& table, const LedgerOp& op);
  void close(Table& table, const LedgerOp& op);
  static void remember(Table& table, int64_t fd, Open one, const LedgerPlace* place);
  static void close_one(Table& table, std::map<int64_t, Open>::iterator one,
                        const LedgerPlace* place);
  void close_range(Table& table, const LedgerOp& op);
  void bad(Table& table, const LedgerOp& op);
  void fork(const LedgerOp& op);
  void exec(Table& table, const LedgerOp& op);
  void end(int32_t pid, const Table& table);

  std::unordered_map<int32_t, Table> tables_;
  LedgerRows still_open_, through_exec_, closed_twice_, used_closed_, never_open_;
  uint64_t most_ = 0;
  std::string most_process_;
  const LedgerPlace* most_place_ = nullptr;
  uint64_t closed_unseen_ = 0;
  uint64_t dropped_ = 0;  // rows that found no room
};

}  // namespace wc::backends
