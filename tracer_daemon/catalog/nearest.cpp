// "Did you mean": optimal string alignment distance, for lists of a few thousand names.
#include <algorithm>
#include <cstddef>
#include <string_view>
#include <utility>
#include <vector>

#include "catalog/selection.h"

namespace wc {
namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

// How many slips are still a slip: a third of the word, at most three.
size_t tolerance(size_t length) { return std::clamp<size_t>((length + 1) / 3, 1, 3); }

// The distance, or `limit` + 1 as soon as it must be greater.
size_t distance(std::string_view a, std::string_view b, size_t limit,
                std::vector<size_t> (&rows)[3]) {
  const size_t gap = a.size() > b.size() ? a.size() - b.size() : b.size() - a.size();
  if (gap > limit) return limit + 1;
  for (std::vector<size_t>& row : rows) row.assign(b.size() + 1, 0);
  for (size_t j = 0; j <= b.size(); ++j) rows[0][j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    std::vector<size_t>& row = rows[i % 3];
    const std::vector<size_t>& above = rows[(i + 2) % 3];
    const std::vector<size_t>& above2 = rows[(i + 1) % 3];
    row[0] = i;
    size_t best = row[0];
    for (size_t j = 1; j <= b.size(); ++j) {
      const bool same = lower(a[i - 1]) == lower(b[j - 1]);
      size_t cost = std::min({above[j] + 1, row[j - 1] + 1, above[j - 1] + (same ? 0 : 1)});
      if (i > 1 && j > 1 && lower(a[i - 1]) == lower(b[j - 2]) &&
          lower(a[i - 2]) == lower(b[j - 1])) {
        cost = std::min(cost, above2[j - 2] + 1);
      }
      row[j] = cost;
      best = std::min(best, cost);
    }
    // A swap reaches back two rows, so only a row beyond the limit by one ends the search.
    if (best > limit + 1) return limit + 1;
  }
  return std::min(rows[a.size() % 3][b.size()], limit + 1);
}

}  // namespace

std::vector<std::string_view> nearest(std::string_view wrong,
                                      std::span<const std::string_view> names) {
  const size_t limit = tolerance(wrong.size());
  std::vector<std::pair<size_t, std::string_view>> hits;  // distance, name
  std::vector<size_t> rows[3];
  for (const std::string_view name : names) {
    // A word that shares nothing with another of the same few letters is not near it.
    const size_t most = std::min(limit, std::max(wrong.size(), name.size()) - 1);
    if (wrong.empty() || name.empty()) continue;
    const size_t d = distance(wrong, name, most, rows);
    if (d <= most) hits.emplace_back(d, name);
  }
  std::sort(hits.begin(), hits.end());
  hits.erase(std::unique(hits.begin(), hits.end()), hits.end());
  std::vector<std::string_view> result;
  for (const auto& [near, name] : hits) {
    if (result.size() == kMostSuggestions) break;
    result.push_back(name);
  }
  return result;
}

}  // namespace wc
