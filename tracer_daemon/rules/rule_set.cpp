#include "rules/rule_set.h"

namespace wc {
namespace {

bool holds_for_word(const RuleCondition& condition, uint64_t word) {
  switch (condition.kind) {
    case RuleCondition::Kind::Equal:
      return word == condition.value;
    case RuleCondition::Kind::NotEqual:
      return word != condition.value;
    case RuleCondition::Kind::Less:
      return static_cast<int64_t>(word) < static_cast<int64_t>(condition.value);
    case RuleCondition::Kind::Greater:
      return static_cast<int64_t>(word) > static_cast<int64_t>(condition.value);
    default:
      return (word & condition.value) != 0;
  }
}

}  // namespace

RuleSet::RuleSet(std::vector<Rule> rules) {
  for (Rule& rule : rules) {
    states_.push_back({.random = rule.seed});
    rules_.push_back(std::move(rule));
  }
  find_concerned();
}

void RuleSet::find_concerned() {
  any_.reset();
  for (size_t i : numbers()) any_ |= rules_[i].syscalls;
}

std::vector<size_t> RuleSet::numbers() const {
  std::vector<size_t> all;
  for (size_t i = 0; i < rules_.size(); i++)
    if (!states_[i].removed) all.push_back(i);
  return all;
}

std::optional<size_t> RuleSet::add(Rule rule) {
  constexpr size_t kMost = 10'000;
  if (rules_.size() >= kMost) return std::nullopt;
  states_.push_back({.random = rule.seed});
  rules_.push_back(std::move(rule));
  find_concerned();
  return rules_.size() - 1;
}

bool RuleSet::remove(size_t number) {
  if (number >= rules_.size() || states_[number].removed) return false;
  states_[number].removed = true;
  find_concerned();
  return true;
}

bool RuleSet::holds(const Rule& rule, std::span<const uint64_t, 6> args,
                    const RuleQuestions& questions) const {
  using Kind = RuleCondition::Kind;
  for (const RuleCondition& one : rule.conditions) {
    bool holds = false;
    if (one.kind == Kind::Path)
      holds = questions.has_path(one.glob);
    else if (one.kind == Kind::Descriptor)
      holds = questions.descriptor() == one.value;
    else if (one.kind == Kind::Size)
      holds = questions.size().value_or(0) > one.value;
    else
      holds = holds_for_word(one, args[one.argument]);
    if (!holds) return false;
  }
  const bool has_place = !rule.from_symbol.empty() || !rule.from_object.empty();
  return ((rule.functions.empty() && rule.methods.empty()) || questions.is_inside(rule)) &&
         (!has_place || questions.is_from(rule));
}

std::optional<size_t> RuleSet::choose(uint32_t nr, std::span<const uint64_t, 6> args,
                                      const RuleQuestions& questions, const Counts& counts) {
  if (!concerns(nr)) return std::nullopt;
  for (size_t i = 0; i < rules_.size(); i++) {
    const Rule& rule = rules_[i];
    if (states_[i].removed) continue;
    if (nr >= rule.syscalls.size() || !rule.syscalls[nr] || !holds(rule, args, questions)) continue;
    RuleCounts* counted = rule.counted_by == CountedBy::Thread    ? counts.thread
                          : rule.counted_by == CountedBy::Process ? counts.process
                                                                  : &of_run_;
    const uint64_t count = ++(*counted)[{static_cast<uint32_t>(i), nr}];
    if (!rule.when.holds(count)) continue;
    constexpr double kRange = 18446744073709551616.0;  // 2^64
    if (rule.probability < 1 && static_cast<double>(random(i)) >= rule.probability * kRange)
      continue;
    states_[i].hits++;
    return i;
  }
  return std::nullopt;
}

// Sebastiano Vigna, https://prng.di.unimi.it/splitmix64.c
uint64_t RuleSet::random(size_t rule) {
  uint64_t z = states_[rule].random += 0x9e3779b97f4a7c15;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

std::vector<std::string> RuleSet::last_words(bool all) const {
  std::vector<std::string> lines;
  for (size_t i : numbers()) {
    const std::string who = "rule '" + rules_[i].text + "' ";
    const bool is_allow_list = rules_[i].kind == RuleKind::Deny && rules_[i].text.starts_with('!');
    if (states_[i].hits == 0 && (all || !is_allow_list))
      lines.push_back(who + "never applied");
    else if (states_[i].hits != 0 && all)
      lines.push_back(who + "applied " + std::to_string(states_[i].hits) + " times");
  }
  return lines;
}

}  // namespace wc
