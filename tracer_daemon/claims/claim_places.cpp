#include "claims/claim_places.h"

#include "frames.h"

namespace wc {
namespace {

constexpr size_t kMostPlaces = 16'384;

}  // namespace

const std::string* ClaimPlaces::find_or_add(const wc_caller& caller) {
  scratch_.clear();
  backends::append_place(scratch_, caller);
  const auto found = places_.find(scratch_);
  if (found != places_.end()) return &*found;
  if (places_.size() >= kMostPlaces) return &other_;
  return &*places_.insert(scratch_).first;
}

}  // namespace wc
