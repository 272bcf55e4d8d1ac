// Two profiles, row by row.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "diff/profile.h"
#include "diff/threshold.h"

namespace wc {

struct DiffRow {
  std::string name;
  Amount before, after;

  [[nodiscard]] bool has_changed() const {
    return before.count != after.count || before.errors != after.errors || before.ns != after.ns;
  }
};

// Two builds of a program may have two names: stacks of `after` begin with the program of `before`,
// where each has one.
void name_alike(const Profile& before, Profile& after);

// What has changed, the greatest change first: by how much the count has changed for its size, then
// errors, then time. Errors: the two cannot be compared.
Result<std::vector<DiffRow>> difference(const Profile& before, const Profile& after);

// How many rows have changed by more.
size_t beyond(const std::vector<DiffRow>& rows, const Threshold& threshold);

// A line that names what has changed most, and a table of at most `most` rows.
std::string diff_table(const std::vector<DiffRow>& rows, Profile::Kind kind, size_t most);
// An object a line.
std::string diff_json(const std::vector<DiffRow>& rows, Profile::Kind kind);
// "stack BEFORE AFTER", what flamegraph.pl shows as a differential flame graph. All stacks.
std::string diff_folded(const Profile& before, const Profile& after);

}  // namespace wc
