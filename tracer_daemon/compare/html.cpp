#include <fmt/format.h>

#include "base/xml.h"
#include "compare/reports.h"

namespace wc::compare {
namespace {

constexpr std::string_view kPageStyle = R"(
  :root { color-scheme: light dark; --paper: #ffffff; --ink: #1f2328; --soft: #59636e; --line: #d9dee3; }
  @media (prefers-color-scheme: dark) {
    :root { --paper: #0d1117; --ink: #e6edf3; --soft: #9198a1; --line: #2f353d; } }
  body { margin: 0 auto; max-width: 1040px; padding: 16px; background: var(--paper); color: var(--ink);
         font: 14px/1.5 system-ui, 'DejaVu Sans', sans-serif; }
  svg { max-width: 100%; height: auto; }
  .scroll { overflow-x: auto; }
  table { border-collapse: collapse; width: 100%; font-size: 13px; font-variant-numeric: tabular-nums; }
  th, td { padding: 4px 6px; border-bottom: 1px solid var(--line); text-align: right; white-space: nowrap; }
  th { color: var(--soft); font-weight: 600; }
  th:first-child, td:first-child, td.trouble { text-align: left; }
  td.trouble { color: var(--soft); white-space: normal; }
)";

std::string table_row(const std::vector<std::string>& row, std::string_view tag) {
  std::string html = "<tr>";
  const bool trouble = tag == "td" && row[2].empty();
  for (std::size_t i = 0; i < row.size(); i++) {
    if (trouble && i == 1) {
      return html + fmt::format("<td class=\"trouble\" colspan=\"{}\">{}</td></tr>\n",
                                row.size() - 1, xml_escaped(row[1]));
    }
    html += fmt::format("<{0}>{1}</{0}>", tag, xml_escaped(row[i]));
  }
  return html + "</tr>\n";
}

}  // namespace

std::string page_html(const Report& report) {
  std::string html = fmt::format(
      "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
      "<title>{}</title>\n<style>{}</style>\n</head>\n<body>\n",
      xml_escaped(report.title), kPageStyle);
  html += chart_svg(report);
  html += "<div class=\"scroll\"><table>\n";
  const auto rows = cells(report);
  html += "<thead>" + table_row(rows[0], "th") + "</thead>\n<tbody>\n";
  for (std::size_t i = 1; i < rows.size(); i++) html += table_row(rows[i], "td");
  return html + "</tbody>\n</table></div>\n</body>\n</html>\n";
}

}  // namespace wc::compare
