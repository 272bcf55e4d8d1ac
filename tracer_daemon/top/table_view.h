// One table as it is looked at: rates, order, filter, and a selection that stays on its row while
// rows come, go and change places.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "top/sample.h"

namespace wc::top {

enum class Column : uint8_t { Name, Rate, Calls, Syscalls, Errors, Time, Average, P99 };
inline constexpr size_t kColumns = 8;

struct RatedRow {
  Row row;
  std::optional<double> rate;  // calls a second; of system calls where a row has no calls
};

// Of all rows, as the tracer counts them.
struct TotalRates {
  double calls = 0, syscalls = 0;
};

class TableView {
 public:
  // Rates are the difference to the sample before, divided by the time between the two.
  void take(TableSample sample, uint64_t ts);
  // As long as it is held, what take() gets is not shown.
  void hold(bool is_held);

  [[nodiscard]] bool is_empty() const { return !shown_; }
  [[nodiscard]] const TableSample& sample() const;  // without rows: those are in rows()
  [[nodiscard]] uint64_t ts() const { return shown_ ? shown_->ts : 0; }
  [[nodiscard]] const TotalRates& rates() const;
  // In order, without what the filter leaves out.
  [[nodiscard]] const std::vector<const RatedRow*>& rows() const { return order_; }

  // Columns in the order of the enum; at either end it stays.
  void sort_by_neighbour(int step);
  void reverse();
  [[nodiscard]] Column sort() const { return sort_; }
  [[nodiscard]] bool is_ascending() const { return is_ascending_; }

  // Rows whose name or library has this in it, whatever the case of ASCII letters.
  void filter(std::string text);
  [[nodiscard]] const std::string& filter() const { return filter_; }

  // Nothing: there are no rows.
  [[nodiscard]] const RatedRow* selected() const;
  [[nodiscard]] size_t selected_index() const { return index_; }
  void select_by(int64_t step);

 private:
  struct Shown {
    TableSample sample;
    std::vector<RatedRow> rows;
    TotalRates rates;
    uint64_t ts = 0;
  };
  using Key = std::pair<std::string, std::string>;
  [[nodiscard]] static Key key_of(const Row& row) { return {row.name, row.library}; }
  [[nodiscard]] bool is_before(const RatedRow& a, const RatedRow& b) const;
  void arrange();

  std::optional<Shown> shown_, held_;
  bool is_held_ = false;
  // Of the last sample.
  std::map<Key, Counts> before_;
  Counts total_before_;
  uint64_t ts_before_ = 0, hidden_before_ = 0;

  std::vector<const RatedRow*> order_;
  Column sort_ = Column::Time;
  bool is_ascending_ = false;
  std::string filter_;
  std::optional<Key> selected_;  // nothing: whatever is the first
  size_t index_ = 0;
};

// As filter() finds it.
bool contains(std::string_view text, std::string_view part);

}  // namespace wc::top
