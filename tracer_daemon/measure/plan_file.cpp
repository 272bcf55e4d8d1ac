#include "measure/plan_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <initializer_list>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string_view>

#include "measure/figure.h"

namespace wc::measure {
namespace {

using nlohmann::json;

// Inside this file only: the reader below is a walk over a tree, and every step of it can fail.
struct Bad {
  std::string what;
};

void allow_only(const json& object, std::string_view what,
                std::initializer_list<std::string_view> keys) {
  if (!object.is_object()) throw Bad{fmt::format("{} is no object", what)};
  for (const auto& [key, value] : object.items()) {
    if (std::find(keys.begin(), keys.end(), key) == keys.end()) {
      throw Bad{
          fmt::format("{} has an unknown key '{}'; valid: {}", what, key, fmt::join(keys, ", "))};
    }
  }
}

template <typename T>
T one_of(const json& object, const char* key, T otherwise,
         std::initializer_list<std::pair<std::string_view, T>> choices) {
  if (!object.contains(key)) return otherwise;
  const std::string word = object.at(key);
  for (const auto& [name, value] : choices) {
    if (name == word) return value;
  }
  throw Bad{fmt::format("{} is '{}'", key, word)};
}

Variant to_variant(const json& object) {
  allow_only(object, "a variant", {"name", "command", "skipped"});
  Variant variant;
  variant.name = object.at("name");
  variant.command = object.at("command").get<std::vector<std::string>>();
  variant.skipped = object.value("skipped", "");
  if (variant.command.empty() && variant.skipped.empty()) {
    throw Bad{fmt::format("variant '{}' has no command", variant.name)};
  }
  return variant;
}

FigurePattern to_figure(const json& object) {
  allow_only(object, "a figure", {"pattern", "better", "from"});
  FigurePattern figure;
  figure.pattern = object.at("pattern");
  figure.better =
      one_of(object, "better", Better::Less, {{"less", Better::Less}, {"more", Better::More}});
  figure.printed_to =
      one_of(object, "from", PrintedTo::Anywhere,
             {{"anywhere", PrintedTo::Anywhere}, {"stderr", PrintedTo::StandardError}});
  if (const Status fit = check_pattern(figure.pattern); !fit) throw Bad{fit.error().message};
  return figure;
}

Load to_load(const json& object) {
  allow_only(object, "a load", {"command", "ready"});
  return Load{object.at("command"), object.value("ready", "")};
}

Row to_row(const json& object) {
  allow_only(object, "a row",
             {"title", "unit", "variants", "figure", "load", "before", "reference", "runs", "pick",
              "per"});
  Row row;
  row.title = object.at("title");
  row.unit = object.value("unit", row.unit);
  for (const json& variant : object.at("variants")) row.variants.push_back(to_variant(variant));
  if (object.contains("figure")) row.figure = to_figure(object.at("figure"));
  if (object.contains("load")) row.load = to_load(object.at("load"));
  if (object.contains("before")) {
    row.before = object.at("before").get<std::vector<std::string>>();
  }
  row.reference = object.value("reference", "");
  row.runs = object.value("runs", row.runs);
  row.pick = one_of(object, "pick", Pick::Mean, {{"mean", Pick::Mean}, {"best", Pick::Best}});
  row.per = object.value("per", row.per);
  if (row.variants.empty()) throw Bad{fmt::format("row '{}' has no variants", row.title)};
  if (row.runs < 1 || !(row.per > 0)) {
    throw Bad{fmt::format("row '{}': runs and per are at least 1 and above 0", row.title)};
  }
  return row;
}

}  // namespace

Result<Plan> parse_plan(const std::string& text) {
  try {
    const json object = json::parse(text);
    allow_only(object, "the plan", {"rounds", "limit", "rows"});
    Plan plan;
    plan.rounds = object.value("rounds", plan.rounds);
    plan.limits.run_seconds = object.value("limit", plan.limits.run_seconds);
    if (plan.rounds < 1) return Error{"rounds is below 1"};
    for (const json& row : object.at("rows")) plan.rows.push_back(to_row(row));
    return plan;
  } catch (const Bad& bad) {
    return Error{bad.what};
  } catch (const json::exception& error) {
    return Error{error.what()};
  }
}

Result<Plan> read_plan(const std::string& path) {
  std::ifstream file(path);
  std::ostringstream text;
  if (!file || !(text << file.rdbuf())) {
    return Error::from_errno(fmt::format("cannot read plan '{}'", path), errno);
  }
  Result<Plan> plan = parse_plan(text.str());
  if (plan) return plan;
  return Error{fmt::format("plan '{}': {}", path, plan.error().message)};
}

}  // namespace wc::measure
