#include "objects/object_history.h"

#include <algorithm>
#include <string_view>

#include "base/text.h"

namespace wc {
namespace {

// A needed library is named as its soname, as ld.so has it, or by its file. Names of files are kept
// with a slash in front, so that they are told apart from the others.
std::string file_key(std::string_view path) { return "/" + std::string(base_name(path)); }

}  // namespace

ObjectHistory::Identity ObjectHistory::identity_of(const MappedObject& object) {
  return {object.space, object.entry, object.base};
}

std::vector<ObjectHistory::Name> ObjectHistory::needs_of(const Known& one) {
  std::vector<Name> names;
  for (const std::string& needed : one.facts.needed) {
    names.emplace_back(one.object.space, needed);
    names.emplace_back(one.object.space, file_key(needed));
  }
  return names;
}

void ObjectHistory::add_one(const MappedObject& object, ObjectFacts facts) {
  const Number number = next_++;
  const Known& known = objects_[number] = {object, std::move(facts)};
  numbers_[identity_of(object)] = number;
  for (const Name& name : needs_of(known)) needers_[name].insert(number);
}

std::optional<ObjectHistory::Known> ObjectHistory::take_out(const MappedObject& object) {
  const auto number = numbers_.extract(identity_of(object));
  if (!number) return std::nullopt;
  Known known = std::move(objects_.extract(number.mapped()).mapped());
  for (const Name& name : needs_of(known)) {
    const auto needers = needers_.find(name);
    if (needers == needers_.end()) continue;
    needers->second.erase(number.mapped());
    if (needers->second.empty()) needers_.erase(needers);
  }
  return known;
}

// Those that came with it first, for a library that was there before may name it, too.
const ObjectHistory::Known* ObjectHistory::needer_of(Number number, Number first_fresh) const {
  const Known& one = objects_.at(number);
  std::optional<Number> fresh, former;
  for (const std::string& name : {one.facts.soname, one.object.name, file_key(one.object.path)}) {
    const auto needers = needers_.find({one.object.space, name});
    if (needers == needers_.end()) continue;
    const std::set<Number>& numbers = needers->second;
    auto first = numbers.lower_bound(first_fresh);
    if (first != numbers.end() && *first == number) ++first;
    if (first != numbers.end()) fresh = std::min(fresh.value_or(*first), *first);
    if (*numbers.begin() < first_fresh)
      former = std::min(former.value_or(*numbers.begin()), *numbers.begin());
  }
  const std::optional<Number> best = fresh ? fresh : former;
  return best ? &objects_.at(*best) : nullptr;
}

ObjectReport ObjectHistory::describe(Number number, Occasion occasion, const std::string& caller,
                                     Number first_fresh, bool is_first_of_space) {
  const Known& one = objects_.at(number);
  ObjectReport report;
  report.object = one.object;
  report.build_id = one.facts.build_id;
  const Known* needer = needer_of(number, first_fresh);
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
    auto known = take_out(gone);
    if (!known) continue;
    reports.push_back({.object = std::move(known->object),
                       .is_loaded = false,
                       .by = caller,
                       .is_asked_for = true,
                       .build_id = std::move(known->facts.build_id)});
  }
  const Number first_fresh = next_;
  for (const MappedObject& object : changes.loaded)
    if (!object.path.empty() && !is_ours(object)) add_one(object, read_facts(object.path));
  std::set<unsigned> spaces;
  for (auto at = objects_.lower_bound(first_fresh); at != objects_.end(); ++at) {
    const bool is_first = spaces.insert(at->second.object.space).second;
    const bool is_program = at->first == 0 && occasion != Occasion::Running;
    if (!is_program)
      reports.push_back(describe(at->first, occasion, caller, first_fresh, is_first));
  }
  return reports;
}

}  // namespace wc
