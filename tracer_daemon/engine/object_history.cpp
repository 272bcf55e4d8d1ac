#include "engine/object_history.h"

#include <algorithm>
#include <set>
#include <string_view>

namespace wc {
namespace {

std::string_view base_name(std::string_view path) { return path.substr(path.rfind('/') + 1); }

bool is_the_same(const MappedObject& one, const MappedObject& other) {
  return one.entry == other.entry && one.base == other.base && one.space == other.space;
}

}  // namespace

// Those that came with it first, for a library that was there before may name it, too.
const ObjectHistory::Known* ObjectHistory::needer_of(const Known& one, uint64_t first_fresh) const {
  auto names_it = [&](const Known& other) {
    const auto& needed = other.facts.needed;
    return other.object.space == one.object.space &&
           std::any_of(needed.begin(), needed.end(), [&](const std::string& name) {
             return name == one.facts.soname || name == one.object.name ||
                    base_name(name) == base_name(one.object.path);
           });
  };
  for (auto at = objects_.lower_bound(first_fresh); at != objects_.end(); ++at)
    if (names_it(at->second) && !is_the_same(at->second.object, one.object)) return &at->second;
  for (const auto& [number, other] : objects_)
    if (number < first_fresh && names_it(other)) return &other;
  return nullptr;
}

ObjectReport ObjectHistory::describe(const Known& one, Occasion occasion, const std::string& caller,
                                     uint64_t first_fresh, bool is_first_of_space) {
  ObjectReport report;
  report.object = one.object;
  report.build_id = one.facts.build_id;
  const Known* needer = needer_of(one, first_fresh);
  if (needer != nullptr && !(occasion == Occasion::Running && is_first_of_space)) {
    has_dependencies_ = true;
    report.how = "needed";
    report.by = needer->object.path;
  } else if (occasion == Occasion::Start ||
             (occasion == Occasion::Attached && !has_dependencies_)) {
    report.how = "preload";  // these stand before what the program needs
  } else {
    report.how = "dlopen";
    report.by = occasion == Occasion::Running ? caller : "";
    report.is_asked_for = occasion == Occasion::Running;
  }
  return report;
}

std::vector<ObjectReport> ObjectHistory::add(
    const ObjectChanges& changes, Occasion occasion, const std::string& caller,
    const ReadFacts& read_facts, const std::function<bool(const MappedObject&)>& is_ours) {
  std::vector<ObjectReport> reports;
  for (const MappedObject& gone : changes.unloaded) {
    const auto known = std::find_if(objects_.begin(), objects_.end(), [&](const auto& entry) {
      return is_the_same(entry.second.object, gone);
    });
    if (known == objects_.end()) continue;
    reports.push_back({.object = known->second.object,
                       .is_loaded = false,
                       .by = caller,
                       .is_asked_for = true,
                       .build_id = known->second.facts.build_id});
    objects_.erase(known);
  }
  const uint64_t first_fresh = next_;
  for (const MappedObject& object : changes.loaded)
    if (!object.path.empty() && !is_ours(object))
      objects_[next_++] = {object, read_facts(object.path)};
  std::set<unsigned> spaces;
  for (auto at = objects_.lower_bound(first_fresh); at != objects_.end(); ++at) {
    const bool is_first = spaces.insert(at->second.object.space).second;
    const bool is_program = at->first == 0 && occasion != Occasion::Running;
    if (!is_program)
      reports.push_back(describe(at->second, occasion, caller, first_fresh, is_first));
  }
  return reports;
}

}  // namespace wc
