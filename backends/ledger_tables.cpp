#include "ledger_tables.h"

#include <algorithm>

namespace wc::backends {

namespace {

constexpr int64_t kStandard = 2;  // the last of standard input, output and error
constexpr size_t kMostRows = 10'000;
constexpr size_t kFdsShown = 10;
constexpr uint64_t kBlur = 100'000;   // nanoseconds
constexpr size_t kMostPast = 65'536;  // of a process; a program can use any number

}  // namespace

std::string LedgerTables::name(int32_t pid, const Table& table) {
  return table.program + "[" + std::to_string(pid) + "]";
}

void LedgerTables::add(LedgerRows& rows, LedgerRow row, int64_t fd) {
  auto found = rows.find(row);
  if (found == rows.end()) {
    if (rows.size() >= kMostRows) {
      ++dropped_;
      return;
    }
    found = rows.emplace(std::move(row), LedgerCount{}).first;
  }
  ++found->second.times;
  if (found->second.fds.size() < kFdsShown) found->second.fds.push_back(fd);
}

void LedgerTables::open(Table& table, const LedgerOp& op) {
  const auto old = table.open.find(op.fd);
  if (old != table.open.end()) {
    if (!table.displaced.insert_or_assign(op.fd, old->second).second) ++closed_unseen_;
  }
  Open one{op.place, std::string(op.what), op.is_cloexec, false, op.at, op.tid};
  // A copy is of what its original is.
  constexpr std::string_view kOf = " of ";
  if (const auto from = table.open.find(op.other); op.other >= 0 && from != table.open.end()) {
    const std::string& what = from->second.what;
    const size_t origin = what.find(kOf);
    one.what.append(kOf).append(what, origin == what.npos ? 0 : origin + kOf.size());
  }
  table.open.insert_or_assign(op.fd, std::move(one));
  if (table.open.size() <= most_) return;
  most_ = table.open.size();
  most_process_ = name(op.pid, table);
  most_place_ = op.place;
}

void LedgerTables::remember(Table& table, int64_t fd, Open one, const LedgerPlace* place) {
  Past past{.opened = one.place, .closed = place, .what = std::move(one.what)};
  const auto before = table.past.find(fd);
  if (before != table.past.end()) {
    past.before_opened = before->second.opened;
    past.before_closed = before->second.closed;
  }
  if (before != table.past.end() || table.past.size() < kMostPast)
    table.past.insert_or_assign(fd, std::move(past));
}

void LedgerTables::close_one(Table& table, std::map<int64_t, Open>::iterator one,
                             const LedgerPlace* place) {
  remember(table, one->first, std::move(one->second), place);
  table.open.erase(one);
}

// Stamps of two threads may be some microseconds apart. If one thread is given a number and another
// closes it at once, that was most likely the close before; else that close was one that the tool
// does not see, a system call outside of the selected functions.
void LedgerTables::close(Table& table, const LedgerOp& op) {
  const auto one = table.open.find(op.fd);
  const auto displaced = table.displaced.find(op.fd);
  if (displaced != table.displaced.end()) {
    const bool is_blurred =
        one != table.open.end() && one->second.tid != op.tid && op.at - one->second.at < kBlur;
    remember(table, op.fd, std::move(displaced->second), is_blurred ? op.place : nullptr);
    table.displaced.erase(displaced);
    if (is_blurred) return;
    ++closed_unseen_;
  }
  if (one != table.open.end()) close_one(table, one, op.place);
}

void LedgerTables::close_range(Table& table, const LedgerOp& op) {
  for (auto one = table.open.lower_bound(op.fd); one != table.open.end() && one->first <= op.other;)
    close_one(table, one++, op.place);
}

// A close or a use of what is not open.
void LedgerTables::bad(Table& table, const LedgerOp& op) {
  // It is open, but not for this: a write to what was opened for reading.
  if (table.open.contains(op.fd)) return;
  const auto past = table.past.find(op.fd);
  if (past == table.past.end())
    return add(never_open_,
               {.process = name(op.pid, table), .by = op.place, .what = std::string(op.what)},
               op.fd);
  const Past& was = past->second;
  add(op.kind == LedgerOp::Kind::BadClose ? closed_twice_ : used_closed_,
      {.process = name(op.pid, table),
       .opened = was.opened,
       .closed = was.closed,
       .by = op.place,
       .before_opened = was.before_opened,
       .before_closed = was.before_closed,
       .what = was.what},
      op.fd);
}

// The child may have been seen before: what it has done since stays.
void LedgerTables::fork(const LedgerOp& op) {
  const auto child = static_cast<int32_t>(op.other);
  Table copy = table(op.pid);
  copy.displaced.clear();
  for (auto& [fd, one] : copy.open) one.is_inherited = true;
  const auto known = tables_.find(child);
  if (known != tables_.end()) {
    for (auto& [fd, past] : known->second.past) copy.open.erase(fd), copy.past[fd] = past;
    for (auto& [fd, one] : known->second.open) copy.open[fd] = one;
  }
  tables_.insert_or_assign(child, std::move(copy));
}

void LedgerTables::exec(Table& table, const LedgerOp& op) {
  const std::string before = name(op.pid, table);
  table.program = op.what;
  for (auto one = table.open.begin(); one != table.open.end();) {
    if (one->second.is_cloexec) {
      one = table.open.erase(one);
      continue;
    }
    // Standard input and output are meant to be handed on.
    if (one->first > kStandard)
      add(through_exec_,
          {.process = before + " to " + table.program,
           .opened = one->second.place,
           .what = one->second.what},
          one->first);
    one->second.is_inherited = true;
    ++one;
  }
  table.past.clear();
  closed_unseen_ += table.displaced.size();
  table.displaced.clear();
}

void LedgerTables::end(int32_t pid, const Table& table) {
  closed_unseen_ += table.displaced.size();
  for (const auto& [fd, one] : table.open) {
    // Its parent's, or what was there before it; and whoever redirects does not close.
    if (one.is_inherited || fd <= kStandard) continue;
    add(still_open_, {.process = name(pid, table), .opened = one.place, .what = one.what}, fd);
  }
}

void LedgerTables::apply(const LedgerOp& op) {
  Table& of = table(op.pid);
  switch (op.kind) {
    case LedgerOp::Kind::Open:
      return open(of, op);
    case LedgerOp::Kind::Close:
      return close(of, op);
    case LedgerOp::Kind::CloseMany:
      return close_range(of, op);
    case LedgerOp::Kind::Mark:
      for (auto one = of.open.lower_bound(op.fd); one != of.open.end() && one->first <= op.other;
           ++one)
        one->second.is_cloexec = op.is_cloexec;
      return;
    case LedgerOp::Kind::BadClose:
    case LedgerOp::Kind::BadUse:
      return bad(of, op);
    case LedgerOp::Kind::Fork:
      return fork(op);
    case LedgerOp::Kind::Exec:
      return exec(of, op);
    case LedgerOp::Kind::Exit:
      end(op.pid, of);
      tables_.erase(op.pid);
      return;
  }
}

void LedgerTables::close() {
  for (const auto& [pid, one] : tables_) end(pid, one);
  tables_.clear();
}

}  // namespace wc::backends
