#include "decode/syscall_filter.h"

#include <regex.h>

#include <algorithm>
#include <charconv>
#include <string>
#include <vector>

#include "decode/decoder.h"
#include "decode/syscall_classes.h"

namespace wc {
namespace {

constexpr std::string_view kBlanks = " \t\n";

std::string_view trim(std::string_view text) {
  const size_t first = text.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

// Edit distance in which two swapped neighbours count once.
size_t distance(std::string_view a, std::string_view b) {
  std::vector<size_t> before(b.size() + 1), last(b.size() + 1), row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); j++) last[j] = j;
  for (size_t i = 1; i <= a.size(); i++) {
    row[0] = i;
    for (size_t j = 1; j <= b.size(); j++) {
      const size_t change = last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, change});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        row[j] = std::min(row[j], before[j - 2] + 1);
      }
    }
    before.swap(last);
    last.swap(row);
  }
  return last[b.size()];
}

// The nearest of what could have been meant: at most a third of it mistyped.
class Nearest {
 public:
  explicit Nearest(std::string_view wanted) : wanted_(wanted), best_(wanted.size() / 3 + 1) {}

  void offer(std::string_view prefix, std::string_view name) {
    const size_t cost = distance(wanted_, name);
    constexpr size_t kMostNames = 3;
    if (cost > best_) return;
    if (cost < best_) names_.clear();
    best_ = cost;
    if (names_.size() < kMostNames) names_.push_back(std::string(prefix) + std::string(name));
  }

  [[nodiscard]] std::string question() const {
    std::string out;
    for (size_t i = 0; i < names_.size(); i++) {
      if (i != 0) out += i + 1 == names_.size() ? " or " : ", ";
      out += "'" + names_[i] + "'";
    }
    return out.empty() ? "" : "; did you mean " + out + "?";
  }

 private:
  std::string_view wanted_;
  size_t best_;
  std::vector<std::string> names_;
};

Error unknown_syscall(std::string_view name) {
  Nearest nearest(name);
  for (const SyscallSpec& row : syscall_rows()) nearest.offer("", row.name);
  return {"unknown syscall '" + std::string(name) + "'" + nearest.question()};
}

Error unknown_class(std::string_view name) {
  Nearest nearest(name);
  for (const SyscallClassName& row : syscall_class_names()) nearest.offer("%", row.name);
  std::string question = nearest.question();
  if (question.empty()) {
    question = "; classes are";
    for (const SyscallClassName& row : syscall_class_names())
      question += " %" + std::string(row.name);
  }
  return {"unknown class of syscalls '%" + std::string(name) + "'" + question};
}

uint32_t class_bit(std::string_view name) {
  for (const SyscallClassName& row : syscall_class_names()) {
    if (row.name == name) return row.bit;
  }
  return 0;
}

void add_class(SyscallSet& set, uint32_t bit) {
  for (const SyscallSpec& row : syscall_rows()) {
    if ((row.classes & bit) != 0) set.set(row.nr);
  }
}

Status add_regex(SyscallSet& set, std::string_view pattern) {
  regex_t compiled;
  const int failed = regcomp(&compiled, std::string(pattern).c_str(), REG_EXTENDED | REG_NOSUB);
  if (failed != 0) {
    char why[128];
    regerror(failed, &compiled, why, sizeof why);
    return Error{"bad regular expression '/" + std::string(pattern) + "': " + why};
  }
  bool matched = false;
  for (const SyscallSpec& row : syscall_rows()) {
    if (regexec(&compiled, std::string(row.name).c_str(), 0, nullptr, 0) != 0) continue;
    set.set(row.nr);
    matched = true;
  }
  regfree(&compiled);
  if (!matched) return Error{"no syscall's name matches '/" + std::string(pattern) + "'"};
  return Done{};
}

Status add_number(SyscallSet& set, std::string_view item) {
  uint32_t nr = 0;
  const char* end = item.data() + item.size();
  const auto parsed = std::from_chars(item.data(), end, nr);
  if (parsed.ec != std::errc{} || parsed.ptr != end || nr >= set.size()) {
    return Error{"no syscall has the number '" + std::string(item) + "'"};
  }
  set.set(nr);
  return Done{};
}

Status add_name(SyscallSet& set, std::string_view name) {
  const int32_t nr = syscall_number(name);
  if (nr >= 0 && static_cast<size_t>(nr) < set.size()) {
    set.set(static_cast<size_t>(nr));
    return Done{};
  }
  // strace's old spelling of %file, %process, ...; no syscall has such a name.
  if (const uint32_t bit = class_bit(name)) {
    add_class(set, bit);
    return Done{};
  }
  return unknown_syscall(name);
}

Status add_item(SyscallSet& set, std::string_view item) {
  if (item == "all") {
    set.set();
    return Done{};
  }
  if (item == "none") return Done{};
  if (item.starts_with('!')) {
    return Error{"'" + std::string(item) + "': '!' stands once, in front of the whole list"};
  }
  if (item.starts_with('/')) return add_regex(set, item.substr(1));
  if (item.front() >= '0' && item.front() <= '9') return add_number(set, item);
  if (item.starts_with('%')) {
    const uint32_t bit = class_bit(item.substr(1));
    if (bit == 0) return unknown_class(item.substr(1));
    add_class(set, bit);
    return Done{};
  }
  return add_name(set, item);
}

}  // namespace

Result<SyscallSet> parse_syscall_filter(std::string_view list) {
  std::string_view rest = trim(list);
  for (const std::string_view prefix : {"trace=", "t="}) {
    if (rest.starts_with(prefix)) {
      rest = trim(rest.substr(prefix.size()));
      break;
    }
  }
  const bool inverted = rest.starts_with('!');
  if (inverted) rest = trim(rest.substr(1));
  if (rest.empty()) return Error{"empty list of syscalls; 'none' selects no syscall, 'all' all"};

  SyscallSet set;
  while (true) {
    const size_t comma = rest.find(',');
    std::string_view item = trim(rest.substr(0, comma));
    // As in strace, ? in front: no matter when there is no such syscall.
    const bool optional = item.starts_with('?');
    if (optional) item = trim(item.substr(1));
    if (item.empty())
      return Error{"empty name in the list of syscalls '" + std::string(list) + "'"};
    const Status added = add_item(set, item);
    if (!added && !optional) return added.error();
    if (comma == std::string_view::npos) break;
    rest.remove_prefix(comma + 1);
  }
  return inverted ? ~set : set;
}

}  // namespace wc
