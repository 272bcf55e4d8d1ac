#include "measure/result_json.h"

#include <nlohmann/json.hpp>

#include "measure/comparison.h"

namespace wc::measure {
namespace {

using nlohmann::ordered_json;

// Arguments and messages are bytes; what is not UTF-8 is replaced, not refused.
std::string dumped(const ordered_json& value) {
  return value.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

ordered_json to_json(const std::optional<Spread>& spread) {
  if (!spread) return nullptr;
  return {{"median", spread->median}, {"low", spread->low}, {"high", spread->high}};
}

ordered_json to_json(const RowResult& row, const VariantResult& variant) {
  const auto text_or_null = [](const std::string& text) {
    return text.empty() ? ordered_json() : ordered_json(text);
  };
  ordered_json samples = ordered_json::array();
  for (const auto& [round, sample] : variant.samples) {
    samples.push_back(
        {{"round", round}, {"figure", sample.figure}, {"wall", sample.wall}, {"cpu", sample.cpu}});
  }
  const Comparison comparison = compare(row, variant);
  ordered_json object;
  object["name"] = variant.variant.name;
  object["command"] = variant.variant.command;
  object["skipped"] = text_or_null(variant.variant.skipped);
  object["failure"] = text_or_null(variant.failure);
  object["samples"] = std::move(samples);
  object["figure"] = to_json(comparison.figure);
  object["wall"] = to_json(comparison.wall);
  object["cpu"] = to_json(comparison.cpu);
  object["times"] = to_json(comparison.times);
  object["over"] = to_json(comparison.over);
  object["share"] = to_json(comparison.share);
  object["per_event"] = to_json(comparison.per_event);
  object["events"] = variant.seen ? ordered_json(variant.seen->events) : ordered_json();
  object["attributed"] = variant.seen ? ordered_json(variant.seen->attributed) : ordered_json();
  return object;
}

}  // namespace

std::string head_json(const Machine& machine, const std::vector<std::string>& facts) {
  ordered_json object = {{"date", machine.date},
                         {"kernel", machine.kernel},
                         {"cpu", machine.cpu},
                         {"load", machine.load},
                         {"facts", facts}};
  return dumped(object);
}

std::string row_json(const RowResult& row) {
  ordered_json object;
  object["title"] = row.row.title;
  object["unit"] = row.row.unit;
  object["better"] = row.row.better() == Better::Less ? "less" : "more";
  object["reference"] = row.row.reference;
  object["out_of_time"] = row.out_of_time;
  object["variants"] = ordered_json::array();
  for (const VariantResult& variant : row.variants) {
    object["variants"].push_back(to_json(row, variant));
  }
  return dumped(object);
}

std::string wrapped(const std::string& name, const std::string& json) {
  return "{" + quoted(name) + ": " + json + "}";
}

std::string quoted(const std::string& text) { return dumped(ordered_json(text)); }

}  // namespace wc::measure
