#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "diff/difference.h"

namespace wc {
namespace {

std::string change_of(uint64_t before, uint64_t after) {
  if (before == after) return "";
  if (before == 0) return "new";
  if (after == 0) return "gone";
  return fmt::format("{}{}", after > before ? '+' : '-',
                     after > before ? after - before : before - after);
}

std::string time_of(uint64_t ns) {
  constexpr double kMicro = 1e3, kMilli = 1e6, kSecond = 1e9;
  const auto value = static_cast<double>(ns);
  if (value >= kSecond) return fmt::format("{:.2f} s", value / kSecond);
  if (value >= kMilli) return fmt::format("{:.1f} ms", value / kMilli);
  return ns == 0 ? "0" : fmt::format("{:.1f} us", value / kMicro);
}

std::string time_change(uint64_t before, uint64_t after) {
  if (before == after) return "";
  return (after > before ? "+" : "-") + time_of(after > before ? after - before : before - after);
}

// The innermost two of a stack.
std::string short_name(const std::string& name, Profile::Kind kind) {
  if (kind == Profile::Kind::Summary) return name;
  const size_t last = name.rfind(';');
  if (last == std::string::npos || last == 0) return name;
  const size_t other = name.rfind(';', last - 1);
  const size_t begin = other == std::string::npos ? 0 : other + 1;
  return name.substr(last + 1) + " in " + name.substr(begin, last - begin);
}

std::string first_line(const std::vector<DiffRow>& rows, Profile::Kind kind) {
  if (rows.empty()) return "nothing has changed\n";
  const DiffRow& row = rows.front();
  const auto [before, after] = std::pair(row.before, row.after);
  std::string what = fmt::format("count {} -> {}", before.count, after.count);
  if (before.count == after.count)
    what = fmt::format("errors {} -> {}", before.errors, after.errors);
  if (before.count == after.count && before.errors == after.errors)
    what = fmt::format("time {} -> {}", time_of(before.ns), time_of(after.ns));
  return fmt::format("changed most: {}: {}\n", short_name(row.name, kind), what);
}

}  // namespace

std::string diff_table(const std::vector<DiffRow>& rows, Profile::Kind kind, size_t most) {
  std::string out = first_line(rows, kind);
  if (rows.empty()) return out;
  const bool has_more = kind == Profile::Kind::Summary;  // than counts
  out += has_more
             ? "\n   count   now    +-  errors   now    +-      time       now        +-  what\n"
               "-------- ----- ----- ------- ----- -----  -------- --------- ---------  ----\n"
             : "\n   count   now    +-  stack\n-------- ----- -----  -----\n";
  for (const DiffRow& row : std::span(rows).first(std::min(most, rows.size()))) {
    const Amount& a = row.before;
    const Amount& b = row.after;
    out += fmt::format("{:>8} {:>5} {:>5}", a.count, b.count, change_of(a.count, b.count));
    if (has_more)
      out += fmt::format(" {:>7} {:>5} {:>5}  {:>8} {:>9} {:>9}", a.errors, b.errors,
                         change_of(a.errors, b.errors), time_of(a.ns), time_of(b.ns),
                         time_change(a.ns, b.ns));
    out += fmt::format("  {}\n", row.name);
  }
  if (rows.size() > most)
    out += fmt::format("and {} more rows; -b json has all\n", rows.size() - most);
  return out;
}

std::string diff_json(const std::vector<DiffRow>& rows, Profile::Kind kind) {
  std::string out;
  for (const DiffRow& row : rows) {
    nlohmann::ordered_json one;
    one["type"] = "diff";
    one[kind == Profile::Kind::Summary ? "what" : "stack"] = row.name;
    one["count"] = {row.before.count, row.after.count};
    if (kind == Profile::Kind::Summary) {
      one["errors"] = {row.before.errors, row.after.errors};
      one["ns"] = {row.before.ns, row.after.ns};
    }
    out += one.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + '\n';
  }
  return out;
}

std::string diff_folded(const Profile& before, const Profile& after) {
  std::map<std::string_view, std::pair<uint64_t, uint64_t>> all;
  for (const auto& [stack, amount] : before.rows) all[stack].first = amount.count;
  for (const auto& [stack, amount] : after.rows) all[stack].second = amount.count;
  std::string out;
  for (const auto& [stack, counts] : all)
    out += fmt::format("{} {} {}\n", stack, counts.first, counts.second);
  return out;
}

}  // namespace wc
