// The rules of a run, in their order, and which of them applies to a syscall.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "rules/rule.h"

namespace wc {

// How often a rule's place and conditions have held for a syscall: of a thread, a process or the
// run, whatever the rule counts by.
using RuleCounts = std::map<std::pair<uint32_t, uint32_t>, uint64_t>;  // {rule, number}

// What is asked of a syscall, only as far as a rule wants to know.
struct RuleQuestions {
  // Whether an open call is of a function that the rule names.
  std::function<bool(const Rule&)> is_inside;
  // Whether the outermost open call was made from there.
  std::function<bool(const Rule&)> is_from;
  // Whether a path, by name or descriptor, matches.
  std::function<bool(const std::string& glob)> has_path;
  // The descriptor; the number of bytes to be read or written.
  std::function<std::optional<uint64_t>()> descriptor, size;
};

class RuleSet {
 public:
  RuleSet() = default;
  explicit RuleSet(std::vector<Rule> rules);

  [[nodiscard]] bool empty() const { return rules_.empty(); }
  [[nodiscard]] bool concerns(uint32_t nr) const { return nr < any_.size() && any_[nr]; }
  // By number. A rule that is removed keeps its number and its place: a syscall that it has changed
  // may be under way.
  [[nodiscard]] const Rule& rule(size_t number) const { return rules_[number]; }
  [[nodiscard]] std::vector<size_t> numbers() const;  // of those in force, in their order
  // The number; nullopt: there have been as many as there may be.
  std::optional<size_t> add(Rule rule);
  bool remove(size_t number);  // false: there is none

  // The first rule whose place and conditions hold: its place in the list. `counts` by CountedBy.
  struct Counts {
    RuleCounts* thread;
    RuleCounts* process;
  };
  std::optional<size_t> choose(uint32_t nr, std::span<const uint64_t, 6> args,
                               const RuleQuestions& questions, const Counts& counts);
  // The next number of the rule's own generator (splitmix64, seeded by seed=).
  uint64_t random(size_t rule);
  [[nodiscard]] uint64_t hits(size_t rule) const { return states_[rule].hits; }
  // A line for each that never applied; with `all`, for each how often it has. An allow list (a
  // deny of all but some) that has denied nothing is what its author hopes for: only with `all`.
  [[nodiscard]] std::vector<std::string> last_words(bool all) const;

 private:
  struct State {
    uint64_t random = 0;
    uint64_t hits = 0;
    bool removed = false;
  };
  bool holds(const Rule& rule, std::span<const uint64_t, 6> args,
             const RuleQuestions& questions) const;

  void find_concerned();

  std::deque<Rule> rules_;
  std::deque<State> states_;
  SyscallSet any_;  // some rule in force is for
  RuleCounts of_run_;
};

}  // namespace wc
