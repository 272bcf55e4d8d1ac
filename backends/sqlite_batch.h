// Rows on their way to the thread that writes them: which statement, and the values for it. All in
// two buffers, so that a row costs no allocation of its own.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "json_writer.h"

namespace wc::backends {

// In the order of sqlite_schema.cpp.
enum class SqlStatement : uint8_t {
  Run,
  RunEnd,
  Process,
  ProcessProgram,
  ProcessEnd,
  Thread,
  ThreadEnd,
  Object,
  ObjectEnd,
  Function,
  Place,
  Call,
  CallEnd,
  Syscall,
  Arg,
  Stack,
  Signal,
  Lost,
};
inline constexpr size_t kSqlStatements = static_cast<size_t>(SqlStatement::Lost) + 1;

class SqlBatch {
 public:
  enum class Type : uint8_t { Null, Integer, Real, Text };
  struct Cell {
    Type type = Type::Null;
    uint32_t length = 0;  // Text
    uint64_t value = 0;   // Text: where it begins in text()
  };
  struct Row {
    SqlStatement statement;
    uint32_t first = 0;  // of its cells; they end where the next row's begin
  };

  void row(SqlStatement statement) {
    rows_.push_back({statement, static_cast<uint32_t>(cells_.size())});
  }
  void null() { cells_.push_back({}); }
  void integer(uint64_t value) { cells_.push_back({Type::Integer, 0, value}); }
  void integer(int64_t value) { integer(static_cast<uint64_t>(value)); }
  void integer(int32_t value) { integer(int64_t{value}); }
  void integer(uint32_t value) { integer(uint64_t{value}); }
  // 0 stands for nothing.
  void integer_or_null(uint64_t value) { value != 0 ? integer(value) : null(); }
  void real(double value) { cells_.push_back({Type::Real, 0, std::bit_cast<uint64_t>(value)}); }
  // Readers of a database refuse what is not UTF-8: other bytes become what they are in JSON.
  void text(std::string_view value) {
    const size_t begin = text_.size();
    const bool is_ascii =
        std::none_of(value.begin(), value.end(), [](char c) { return (c & 0x80) != 0; });
    if (is_ascii)
      text_ += value;
    else
      append_utf8(text_, value);
    cells_.push_back({Type::Text, static_cast<uint32_t>(text_.size() - begin), begin});
  }
  void text(const char* value) { value != nullptr ? text(std::string_view(value)) : null(); }

  [[nodiscard]] const std::vector<Row>& rows() const { return rows_; }
  [[nodiscard]] const std::vector<Cell>& cells() const { return cells_; }
  [[nodiscard]] std::string_view text(const Cell& cell) const {
    return std::string_view(text_).substr(cell.value, cell.length);
  }
  [[nodiscard]] bool empty() const { return rows_.empty(); }
  [[nodiscard]] size_t bytes() const {
    return text_.size() + cells_.size() * sizeof(Cell) + rows_.size() * sizeof(Row);
  }

 private:
  std::vector<Row> rows_;
  std::vector<Cell> cells_;
  std::string text_;
};

}  // namespace wc::backends
