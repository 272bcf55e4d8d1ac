#include "top/table_view.h"

#include <algorithm>

namespace wc::top {
namespace {

constexpr double kSecond = 1e9;

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

double per_second(uint64_t now, uint64_t before, uint64_t ns) {
  if (ns == 0 || now < before) return 0;
  return static_cast<double>(now - before) * kSecond / static_cast<double>(ns);
}

double value_of(const RatedRow& rated, Column column) {
  const Row& row = rated.row;
  switch (column) {
    case Column::Name:
      return 0;
    case Column::Rate:
      return rated.rate.value_or(-1);
    case Column::Calls:
      return static_cast<double>(row.counts.calls);
    case Column::Syscalls:
      return static_cast<double>(row.counts.syscalls);
    case Column::Errors:
      return static_cast<double>(row.counts.errors);
    case Column::Time:
      return static_cast<double>(row.counts.ns);
    case Column::Average:
      return static_cast<double>(row.average_ns);
    case Column::P99:
      return static_cast<double>(row.p99_ns);
  }
  return 0;
}

// What a row's rate is of.
uint64_t counted(const Counts& counts) {
  return counts.calls != 0 ? counts.calls : counts.syscalls;
}

}  // namespace

bool contains(std::string_view text, std::string_view part) {
  return std::ranges::search(text, part, {}, lower, lower).begin() != text.end() || part.empty();
}

const TableSample& TableView::sample() const {
  static const TableSample nothing;
  return shown_ ? shown_->sample : nothing;
}

const TotalRates& TableView::rates() const {
  static const TotalRates nothing;
  return shown_ ? shown_->rates : nothing;
}

void TableView::take(TableSample sample, uint64_t ts) {
  const bool is_first = ts_before_ == 0;
  const uint64_t since = is_first ? sample.since : ts_before_;
  const uint64_t ns = ts > since ? ts - since : 0;
  Shown next;
  next.ts = ts;
  next.rates = {per_second(sample.total.calls, total_before_.calls, ns),
                per_second(sample.total.syscalls, total_before_.syscalls, ns)};
  std::map<Key, Counts> counts;
  next.rows.reserve(sample.rows.size());
  for (Row& row : sample.rows) {
    RatedRow rated{std::move(row), std::nullopt};
    const auto before = before_.find(key_of(rated.row));
    // A row that was not sent before may have been among those that were too many.
    if (before != before_.end() || is_first || hidden_before_ == 0)
      rated.rate = per_second(counted(rated.row.counts),
                              before != before_.end() ? counted(before->second) : 0, ns);
    counts.emplace(key_of(rated.row), rated.row.counts);
    next.rows.push_back(std::move(rated));
  }
  sample.rows.clear();
  before_ = std::move(counts);
  total_before_ = sample.total;
  hidden_before_ = sample.hidden;
  ts_before_ = ts;
  next.sample = std::move(sample);
  (is_held_ && shown_ ? held_ : shown_) = std::move(next);
  arrange();
}

void TableView::hold(bool is_held) {
  is_held_ = is_held;
  if (is_held || !held_) return;
  shown_ = std::move(held_);
  held_.reset();
  arrange();
}

bool TableView::is_before(const RatedRow& a, const RatedRow& b) const {
  if (sort_ != Column::Name) {
    const double left = value_of(a, sort_), right = value_of(b, sort_);
    if (left != right) return is_ascending_ ? left < right : left > right;
  } else if (a.row.name != b.row.name) {
    // Names begin with the first of the alphabet.
    return is_ascending_ ? a.row.name > b.row.name : a.row.name < b.row.name;
  }
  return key_of(a.row) < key_of(b.row);
}

void TableView::arrange() {
  order_.clear();
  if (!shown_) return;
  for (const RatedRow& rated : shown_->rows)
    if (contains(rated.row.name, filter_) || contains(rated.row.library, filter_))
      order_.push_back(&rated);
  std::ranges::sort(order_,
                    [this](const RatedRow* a, const RatedRow* b) { return is_before(*a, *b); });
  if (order_.empty()) {
    index_ = 0;
    return;
  }
  if (!selected_) {
    index_ = 0;
    return;
  }
  const auto found = std::ranges::find_if(
      order_, [this](const RatedRow* rated) { return key_of(rated->row) == *selected_; });
  // Gone for now: the cursor stays where it is, and follows the row again when it comes back.
  index_ = found != order_.end() ? static_cast<size_t>(found - order_.begin())
                                 : std::min(index_, order_.size() - 1);
}

void TableView::sort_by_neighbour(int step) {
  const int next = static_cast<int>(sort_) + step;
  sort_ = static_cast<Column>(std::clamp(next, 0, static_cast<int>(kColumns) - 1));
  arrange();
}

void TableView::reverse() {
  is_ascending_ = !is_ascending_;
  arrange();
}

void TableView::filter(std::string text) {
  filter_ = std::move(text);
  arrange();
}

const RatedRow* TableView::selected() const {
  return index_ < order_.size() ? order_[index_] : nullptr;
}

void TableView::select_by(int64_t step) {
  if (order_.empty()) return;
  const auto last = static_cast<int64_t>(order_.size()) - 1;
  const int64_t from = static_cast<int64_t>(index_);
  const int64_t to = step < 0 ? from - std::min(from, -step) : from + std::min(last - from, step);
  index_ = static_cast<size_t>(to);
  selected_ = key_of(order_[index_]->row);
}

}  // namespace wc::top
