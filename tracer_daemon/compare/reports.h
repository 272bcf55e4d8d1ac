// A comparison for people.
#pragma once

#include <string>

#include "compare/words.h"

namespace wc::compare {

// A Markdown table with aligned columns, below the facts: for terminals and for documents.
std::string table_text(const Report& report);

// A bar chart of how many times slower than native each one is, on a logarithmic axis. Complete in
// itself; follows the reader's preference for light or dark.
std::string chart_svg(const Report& report);

// The chart and the table on one page, complete in itself.
std::string page_html(const Report& report);

// The cells of the table, first the column heads: what all forms show.
std::vector<std::vector<std::string>> cells(const Report& report);

}  // namespace wc::compare
