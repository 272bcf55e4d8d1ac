// --objects, the pure part: from what ld.so has in its lists to who asked for it. A library that
// another one names as needed came with it; of those that come together at run time the first is
// what dlopen(3) was asked for.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "objects/library_watch.h"

namespace wc {

// What an object's file says.
struct ObjectFacts {
  std::string soname;
  std::vector<std::string> needed;
  std::string build_id;
};

struct ObjectReport {
  MappedObject object;
  bool is_loaded = true;      // else unloaded
  std::string how;            // "needed", "dlopen", "preload"; empty: unloaded
  std::string by;             // path of the object that needs it or that has called; may be unknown
  bool is_asked_for = false;  // by the call that ld.so was in
  std::string build_id;
};

enum class Occasion {
  Start,    // ld.so has mapped what the program needs
  Running,  // a call of dlopen(3) or dlclose(3)
  Attached  // it has been running, nobody knows for how long
};

// One process's.
class ObjectHistory {
 public:
  using ReadFacts = std::function<ObjectFacts(const std::string& path)>;

  // `caller`: path of the object that has called ld.so, if that is known. Objects for which
  // `is_ours` says so are left out.
  std::vector<ObjectReport> add(const ObjectChanges& changes, Occasion occasion,
                                const std::string& caller, const ReadFacts& read_facts,
                                const std::function<bool(const MappedObject&)>& is_ours);

 private:
  struct Known {
    MappedObject object;
    ObjectFacts facts;
  };
  using Number = uint64_t;  // in the order of their coming
  // The name of an object in its space; or of its file, without the folder.
  using Name = std::pair<unsigned, std::string>;
  using Identity = std::tuple<unsigned, uint64_t, uint64_t>;  // space, entry, base

  static Identity identity_of(const MappedObject& object);
  static std::vector<Name> needs_of(const Known& one);
  void add_one(const MappedObject& object, ObjectFacts facts);
  std::optional<Known> take_out(const MappedObject& object);
  [[nodiscard]] const Known* needer_of(Number number, Number first_fresh) const;
  ObjectReport describe(Number number, Occasion occasion, const std::string& caller,
                        Number first_fresh, bool is_first_of_space);

  std::map<Number, Known> objects_;
  std::map<Identity, Number> numbers_;
  std::map<Name, std::set<Number>> needers_;  // who names that as needed
  Number next_ = 0;
  bool has_dependencies_ = false;  // one that is needed has been seen
};

}  // namespace wc
