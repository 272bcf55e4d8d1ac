#include "top/sample.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

namespace wc::top {
namespace {

using nlohmann::json;

// What is missing or of another type is 0 or empty: an older tracer must not stop the view.
uint64_t number(const json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_number_unsigned() ? found->get<uint64_t>() : 0;
}

std::string text(const json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

bool is_set(const json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_boolean() && found->get<bool>();
}

const json& member(const json& object, const char* key) {
  static const json nothing = json::object();
  const auto found = object.find(key);
  return found != object.end() && found->is_structured() ? *found : nothing;
}

Counts counts_of(const json& object, const char* syscalls) {
  return {number(object, "calls"), number(object, syscalls), number(object, "errors"),
          number(object, "ns")};
}

Row read_row(const json& object, Table table) {
  Row row;
  row.name = text(object, std::string(word_of(table)).c_str());
  row.library = text(object, "library");
  row.counts = counts_of(object, "syscalls");
  row.average_ns = number(object, "avg_ns");
  row.p99_ns = number(object, "p99_ns");
  for (const char* parts : {"by_syscall", "by_function"})
    for (const json& part : member(object, parts))
      if (part.is_object()) row.parts.push_back({text(part, "name"), counts_of(part, "count")});
  return row;
}

TableSample read_table(const json& object, Table table) {
  TableSample sample;
  for (const json& row : member(object, fmt::format("{}s", word_of(table)).c_str()))
    if (row.is_object()) sample.rows.push_back(read_row(row, table));
  sample.total = counts_of(member(object, "total"), "syscalls");
  sample.since = number(object, "since");
  sample.hidden = number(object, "hidden_rows");
  return sample;
}

RecentCall read_recent(const json& object) {
  RecentCall one;
  one.ts = number(object, "ts");
  one.dur = number(object, "dur");
  one.pid = static_cast<int64_t>(number(object, "pid"));
  one.tid = static_cast<int64_t>(number(object, "tid"));
  one.function = text(object, "function");
  one.text = text(object, "text");
  one.error = text(object, "error");
  for (const json& frame : member(object, "stack"))
    if (frame.is_string()) one.stack.push_back(frame.get<std::string>());
  return one;
}

json parse(std::string_view line) { return json::parse(line, nullptr, false); }

}  // namespace

std::string_view word_of(Table table) {
  constexpr std::string_view kWords[kTables] = {"function", "syscall", "thread", "caller", "path"};
  return kWords[static_cast<size_t>(table)];
}

std::optional<Answer> read_answer(std::string_view line) {
  // Not parsed if it need not be: totals are long, answers begin like this.
  if (!line.starts_with("{\"ok\":")) return std::nullopt;
  const json value = parse(line);
  if (!value.is_object()) return std::nullopt;
  Answer answer{is_set(value, "ok"), text(value, "error"), std::string(line), {}};
  if (value.size() == 2 && value.contains("from")) answer.from = number(value, "from");
  return answer;
}

Result<Sample> read_sample(std::string_view line) {
  const json value = parse(line);
  if (!value.is_object() || text(value, "type") != "totals")
    return Error{"the tracer has sent a line that is none of totals: is it another version?"};
  Sample sample;
  sample.ts = number(value, "ts");
  sample.processes = number(value, "processes");
  sample.threads = number(value, "threads");
  sample.events = number(value, "events");
  sample.lost = number(value, "lost");
  sample.missed = number(value, "missed");
  sample.is_last = is_set(value, "last");
  for (size_t i = 0; i < kTables; i++) {
    const auto table = static_cast<Table>(i);
    const auto found = value.find(std::string(word_of(table)));
    if (found != value.end() && found->is_object()) sample.tables[i] = read_table(*found, table);
  }
  const auto recent = value.find("recent");
  if (recent == value.end() || !recent->is_array()) return sample;
  sample.recent.emplace();
  for (const json& one : *recent)
    if (one.is_object()) sample.recent->push_back(read_recent(one));
  return sample;
}

std::vector<RuleLine> read_rules(std::string_view answer) {
  std::vector<RuleLine> rules;
  const json value = parse(answer);
  if (!value.is_object()) return rules;
  for (const json& one : member(value, "rules"))
    if (one.is_object())
      rules.push_back({number(one, "n"), number(one, "hits"), text(one, "rule")});
  return rules;
}

}  // namespace wc::top
