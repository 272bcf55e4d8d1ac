#include "diff/difference.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <tuple>

namespace wc {
namespace {

std::string_view root_of(std::string_view stack) { return stack.substr(0, stack.find(';')); }

// The program at the bottom of all stacks; empty: there are several.
std::string_view only_root(const Profile& profile) {
  if (profile.kind != Profile::Kind::Folded || profile.rows.empty()) return {};
  const std::string_view root = root_of(profile.rows.begin()->first);
  const bool is_only = std::ranges::all_of(
      profile.rows, [=](const auto& row) { return root_of(row.first) == root; });
  return is_only ? root : std::string_view();
}

uint64_t distance(uint64_t a, uint64_t b) { return a > b ? a - b : b - a; }

// In percent of what there was; what was not there before has grown without bounds.
double change(uint64_t before, uint64_t after) {
  if (before == after) return 0;
  if (before == 0) return std::numeric_limits<double>::infinity();
  return 100.0 * static_cast<double>(distance(before, after)) / static_cast<double>(before);
}

// What is gone counts as much as what is new.
double weight(uint64_t before, uint64_t after) {
  return after == 0 && before != 0 ? std::numeric_limits<double>::infinity()
                                   : change(before, after);
}

auto rank(const DiffRow& row) {
  const Amount& a = row.before;
  const Amount& b = row.after;
  return std::tuple(weight(a.count, b.count), distance(a.count, b.count),
                    weight(a.errors, b.errors), distance(a.errors, b.errors), distance(a.ns, b.ns));
}

}  // namespace

void name_alike(const Profile& before, Profile& after) {
  const std::string root(only_root(before)), other(only_root(after));
  if (root.empty() || other.empty() || root == other) return;
  std::map<std::string, Amount> rows;
  for (const auto& [name, amount] : after.rows) rows[root + name.substr(other.size())] = amount;
  after.rows = std::move(rows);
}

Result<std::vector<DiffRow>> difference(const Profile& before, const Profile& after) {
  if (before.kind != after.kind)
    return Error{"one is a folded file and one a summary; two of a kind can be compared"};
  if (before.by != after.by)
    return Error{
        fmt::format("one has a row a {}, the other one a {}; summaries must be by the same",
                    before.by, after.by)};
  std::map<std::string_view, DiffRow> all;
  for (const auto& [name, amount] : before.rows) all[name].before = amount;
  for (const auto& [name, amount] : after.rows) all[name].after = amount;
  std::vector<DiffRow> rows;
  for (auto& [name, row] : all) {
    row.name = name;
    if (row.has_changed()) rows.push_back(std::move(row));
  }
  std::ranges::stable_sort(rows,
                           [](const DiffRow& a, const DiffRow& b) { return rank(a) > rank(b); });
  return rows;
}

size_t beyond(const std::vector<DiffRow>& rows, const Threshold& threshold) {
  const auto exceeds = [](const std::optional<double>& limit, uint64_t before, uint64_t after) {
    return limit && change(before, after) > *limit;
  };
  return static_cast<size_t>(std::ranges::count_if(rows, [&](const DiffRow& row) {
    return exceeds(threshold.count, row.before.count, row.after.count) ||
           exceeds(threshold.errors, row.before.errors, row.after.errors) ||
           exceeds(threshold.time, row.before.ns, row.after.ns);
  }));
}

}  // namespace wc
