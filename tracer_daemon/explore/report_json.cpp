#include <nlohmann/json.hpp>

#include "explore/report.h"

namespace wc::explore {
namespace {

using json = nlohmann::ordered_json;

// Names are bytes of other people's files.
std::string line_of(const json& object) {
  return object.dump(-1, ' ', false, json::error_handler_t::replace) + "\n";
}

void put(json& object, const char* key, const std::string& text) {
  if (!text.empty()) object[key] = text;
}

// Keys as those of the json backend.
json place_json(const Place& place) {
  json object = json::object();
  put(object, "object", place.object);
  put(object, "symbol", place.symbol);
  object["offset"] = place.offset;
  put(object, "file", place.file);
  if (place.line != 0) object["line"] = place.line;
  return object;
}

json row_json(const Report& report, const Row& row) {
  const Point& point = report.points[row.point];
  json object = {{"type", "point"}};
  put(object, "function", point.function);
  put(object, "library", point.library);
  object["syscall"] = point.syscall;
  if (!point.caller.object.empty() || !point.caller.symbol.empty())
    object["caller"] = place_json(point.caller);
  object["times"] = point.times;
  put(object, "error", row.error);
  object["outcome"] = outcome_word(row);
  object["text"] = row.verdict.text;
  if (row.verdict.ending == Ending::OtherStatus) object["status"] = row.verdict.status;
  put(object, "signal", row.verdict.signal);
  if (!row.verdict.stack.empty()) object["stack"] = row.verdict.stack;
  put(object, "inject", inject_of(report, row));
  return object;
}

}  // namespace

std::string json_text(const Report& report) {
  const json head = {
      {"type", "explore"},         {"version", report.version},      {"argv", report.program},
      {"options", report.options}, {"points", report.points.size()}, {"facts", report.facts}};
  std::string text = line_of(head);
  for (const Row& row : report.rows) text += line_of(row_json(report, row));
  return text;
}

}  // namespace wc::explore
