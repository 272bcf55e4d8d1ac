#include "config/words.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cctype>

namespace wc::config {
namespace {

constexpr std::size_t kMaxQuoted = 80;
constexpr std::size_t kMostListed = 16;  // more make a line that nobody reads
// Nobody mistypes a longer name, and the distance costs the product of both lengths.
constexpr std::size_t kMaxCompared = 64;

char lower(char c) { return static_cast<char>(std::tolower(static_cast<unsigned char>(c))); }

// Edits that turn one word into the other; swapped neighbours are one edit. Case is ignored.
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::vector<std::size_t>> d(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
  for (std::size_t i = 0; i <= a.size(); ++i) d[i][0] = i;
  for (std::size_t j = 0; j <= b.size(); ++j) d[0][j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const bool same = lower(a[i - 1]) == lower(b[j - 1]);
      d[i][j] = std::min({d[i - 1][j] + 1, d[i][j - 1] + 1, d[i - 1][j - 1] + (same ? 0 : 1)});
      const bool swapped = i > 1 && j > 1 && lower(a[i - 1]) == lower(b[j - 2]) &&
                           lower(a[i - 2]) == lower(b[j - 1]);
      if (swapped) d[i][j] = std::min(d[i][j], d[i - 2][j - 2] + 1);
    }
  }
  return d[a.size()][b.size()];
}

std::size_t allowed_edits(std::size_t length) {
  if (length <= 3) return 1;
  return length <= 6 ? 2 : 3;
}

}  // namespace

std::string in_quotes(std::string_view text) {
  if (text.size() <= kMaxQuoted) return "'" + printable(text) + "'";
  return "'" + printable(text.substr(0, kMaxQuoted)) + "'...";
}

std::string_view closest_word(std::string_view wrong,
                              std::span<const std::string_view> candidates) {
  std::string_view best;
  if (wrong.empty() || wrong.size() > kMaxCompared) return best;
  std::size_t best_distance = allowed_edits(wrong.size()) + 1;
  for (const std::string_view candidate : candidates) {
    const std::size_t distance = edit_distance(wrong, candidate);
    // A word of nothing but edits is no resemblance: -x is not -t.
    if (distance < best_distance && distance < std::max(wrong.size(), candidate.size())) {
      best = candidate;
      best_distance = distance;
    }
  }
  if (!best.empty() || wrong.size() < 3) return best;
  // An abbreviation is far by edits, but plain: --func.
  const auto longer = std::find_if(candidates.begin(), candidates.end(),
                                   [&](std::string_view c) { return c.starts_with(wrong); });
  return longer == candidates.end() ? best : *longer;
}

std::string suggestion(std::string_view wrong, std::span<const std::string_view> candidates,
                       std::string_view shape) {
  const auto shaped = [&](std::string_view name) { return fmt::format(fmt::runtime(shape), name); };
  const std::string_view near = closest_word(wrong, candidates);
  if (!near.empty()) return fmt::format("; did you mean {}?", shaped(near));
  if (candidates.size() > kMostListed) return "; wc-preload(1) lists what is valid";
  std::vector<std::string> names;
  for (const std::string_view candidate : candidates) names.push_back(shaped(candidate));
  return fmt::format("; valid: {}", fmt::join(names, ", "));
}

std::vector<std::string_view> split_words(std::string_view text, std::string_view separators) {
  std::vector<std::string_view> words;
  std::size_t begin = text.find_first_not_of(separators);
  while (begin != std::string_view::npos) {
    const std::size_t end = std::min(text.find_first_of(separators, begin), text.size());
    words.push_back(text.substr(begin, end - begin));
    begin = text.find_first_not_of(separators, end);
  }
  return words;
}

}  // namespace wc::config
