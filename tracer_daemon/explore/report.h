// What is printed of an exploration: a table, or JSON Lines.
#pragma once

#include <string>
#include <vector>

#include "explore/endings.h"
#include "explore/points.h"

namespace wc::explore {

// One point with one error.
struct Row {
  std::size_t point = 0;  // its place in Report::points
  std::string error;      // empty: CannotFail
  Verdict verdict;

  [[nodiscard]] bool is_bad() const {
    return verdict.ending == Ending::Signal || verdict.ending == Ending::Hang;
  }
};

struct Report {
  std::string version;
  std::vector<std::string> program;
  std::vector<std::string> options;  // that a row's --inject is repeated with
  std::vector<std::string> facts;    // sentences on how it was done
  std::vector<Point> points;
  std::vector<Row> rows;
};

// The words of one row that repeat it; empty where there is nothing to repeat.
std::string inject_of(const Report& report, const Row& row);

std::string table_text(const Report& report);

// The first line says what was run, then one object a row.
std::string json_text(const Report& report);

// "same output and status", "signal", ...: the same words for each row that ended so.
std::string outcome_word(const Row& row);

// "12 same output and status, 1 signal".
std::string sum_text(const Report& report);

}  // namespace wc::explore
