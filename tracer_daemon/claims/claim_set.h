// The claims of a run, and what is counted for them.
//
// A system call counts for a claim if one of the claim's functions is open on its thread; its place
// is where the outermost of these calls was made.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "claims/claim.h"
#include "claims/claim_places.h"
#include "wc_backend.h"

namespace wc {

enum class Verdict : uint8_t { Holds, Broken, Unknown };

// What became of a claim.
struct ClaimOutcome {
  const Claim* claim = nullptr;
  Verdict verdict = Verdict::Holds;
  uint64_t number = 0;
  std::string why;  // Unknown: why the number is not known
  // Up to three, those with the largest part in the number first.
  std::vector<std::pair<std::string, uint64_t>> places;
};

class ClaimSet {
 public:
  explicit ClaimSet(std::vector<Claim> claims);
  ClaimSet(const ClaimSet&) = delete;
  ClaimSet& operator=(const ClaimSet&) = delete;

  // How it takes part in a run; its context is this object.
  [[nodiscard]] const wc_backend& callbacks() const { return callbacks_; }
  [[nodiscard]] const std::vector<Claim>& claims() const { return claims_; }
  // Tracing was ended before the program was.
  void note_end(std::string why) { incomplete_ = std::move(why); }

  [[nodiscard]] std::vector<ClaimOutcome> outcomes() const;

 private:
  struct Tally {
    uint64_t number = 0;
    std::unordered_map<const std::string*, uint64_t> by_place;
  };
  using IsMeant = std::vector<bool>;  // by claim: the function is one of its
  struct Call {
    uint64_t parent = 0;
    int32_t pid = 0;
    const IsMeant* is_meant = nullptr;
    const std::string* place = nullptr;
  };

  void call(const wc_call& event);
  void ret(const wc_return& event) { calls_.erase(event.call); }
  void syscall(const wc_syscall& event);
  void process(const wc_process& event);
  void lost(const wc_lost& event) { lost_ += event.count; }

  const IsMeant& meanings(const wc_call& event);
  [[nodiscard]] bool concerns(const Claim& claim, const wc_syscall& event) const;
  void count(size_t claim, uint64_t amount, const std::string* place);
  [[nodiscard]] std::string doubt() const;

  std::vector<Claim> claims_;
  std::vector<Tally> tallies_;
  wc_backend callbacks_;
  ClaimPlaces places_;
  std::set<IsMeant> patterns_;                                   // each exists once
  std::map<std::string, const IsMeant*, std::less<>> meanings_;  // by kind, library and symbol
  std::unordered_map<uint64_t, Call> calls_;                     // open ones, by id
  std::vector<const Call*> chain_;                               // scratch
  std::string key_;                                              // scratch
  uint64_t lost_ = 0;
  bool was_sampled_ = false;
  std::string incomplete_;
};

}  // namespace wc
