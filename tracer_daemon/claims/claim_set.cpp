#include "claims/claim_set.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/syscall_number.h"

namespace wc {
namespace {

constexpr size_t kPlacesShown = 3;

bool has(const std::vector<Claim>& claims, bool (*is_so)(const Claim&)) {
  return std::any_of(claims.begin(), claims.end(), is_so);
}

uint32_t wants_of(const std::vector<Claim>& claims) {
  uint32_t wants = WC_WANT_CALLER;
  // Each call is counted as it comes, so that its place is known.
  if (has(claims, [](const Claim& claim) { return claim.kind == ClaimKind::Calls; }))
    wants |= WC_WANT_ALL_CALLS;
  if (has(claims, [](const Claim& claim) { return claim.is_time(); }))
    wants |= WC_WANT_SYSCALL_TIME;
  return wants;
}

// What a system call adds to the number; 0: nothing.
uint64_t amount_of(const Claim& claim, const wc_syscall& event) {
  const bool has_result = (event.flags & WC_SYSCALL_NO_RESULT) == 0;
  switch (claim.kind) {
    case ClaimKind::Count:
      return 1;
    case ClaimKind::Errors:
      return event.error != 0 ? 1 : 0;
    case ClaimKind::Bytes:
      return has_result && event.error == 0 && event.ret > 0 ? static_cast<uint64_t>(event.ret) : 0;
    case ClaimKind::Time:
    case ClaimKind::Max:
      return event.dur;
    case ClaimKind::Calls:
      break;
  }
  return 0;
}

}  // namespace

ClaimSet::ClaimSet(std::vector<Claim> claims)
    : claims_(std::move(claims)), tallies_(claims_.size()), callbacks_() {
  static constexpr auto of = [](void* context) -> ClaimSet& {
    return *static_cast<ClaimSet*>(context);
  };
  callbacks_ = {
      .abi = WC_BACKEND_ABI,
      .struct_size = sizeof(wc_backend),
      .name = "claims",
      .wants = wants_of(claims_),
      .call = [](void* context, const wc_call* event) { of(context).call(*event); },
      .syscall_exit = [](void* context, const wc_syscall* event) { of(context).syscall(*event); },
      .ret = [](void* context, const wc_return* event) { of(context).ret(*event); },
      .process = [](void* context, const wc_process* event) { of(context).process(*event); },
      .lost = [](void* context, const wc_lost* event) { of(context).lost(*event); },
  };
}

const ClaimSet::IsMeant& ClaimSet::meanings(const wc_call& event) {
  const char* const symbol = event.symbol != nullptr ? event.symbol : event.function;
  key_.clear();
  key_ += static_cast<char>('0' + event.kind);
  for (const char* part : {symbol, event.library}) {
    key_ += part != nullptr ? part : "";
    key_ += '\n';
  }
  const auto known = meanings_.find(key_);
  if (known != meanings_.end()) return *known->second;
  IsMeant meant;
  for (const Claim& claim : claims_)
    meant.push_back(claim.functions.empty() || claim.functions.select(event));
  const IsMeant& kept = *patterns_.insert(std::move(meant)).first;
  // A program names as many scopes as it likes; what they mean are few patterns.
  constexpr size_t kMostFunctions = 65'536;
  if (meanings_.size() < kMostFunctions) meanings_.emplace(key_, &kept);
  return kept;
}

void ClaimSet::call(const wc_call& event) {
  if (event.weight > 1) was_sampled_ = true;
  const IsMeant& is_meant = meanings(event);
  const std::string* place = places_.find_or_add(event.caller);
  calls_[event.id] = {event.parent, event.pid, &is_meant, place};
  for (size_t i = 0; i < claims_.size(); ++i)
    if (claims_[i].kind == ClaimKind::Calls && is_meant[i]) count(i, 1, place);
}

bool ClaimSet::concerns(const Claim& claim, const wc_syscall& event) const {
  if (claim.kind == ClaimKind::Calls) return false;
  // Those of 32-bit code have other numbers, which no list can name: "all" has them.
  if ((event.nr & kI386Syscall) != 0) return claim.syscalls.all();
  return event.nr < claim.syscalls.size() && claim.syscalls[event.nr];
}

void ClaimSet::syscall(const wc_syscall& event) {
  chain_.clear();
  for (auto found = calls_.find(event.call); found != calls_.end();
       found = calls_.find(found->second.parent))
    chain_.push_back(&found->second);
  for (size_t i = 0; i < claims_.size(); ++i) {
    if (!concerns(claims_[i], event)) continue;
    const auto outermost = std::find_if(chain_.rbegin(), chain_.rend(),
                                        [&](const Call* call) { return (*call->is_meant)[i]; });
    const bool is_inside = outermost != chain_.rend();
    if (!is_inside && !claims_[i].functions.empty()) continue;
    if (const uint64_t amount = amount_of(claims_[i], event); amount != 0)
      count(i, amount, is_inside ? (*outermost)->place : places_.outside());
  }
}

void ClaimSet::count(size_t claim, uint64_t amount, const std::string* place) {
  Tally& tally = tallies_[claim];
  uint64_t& of_place = tally.by_place[place];
  if (claims_[claim].kind == ClaimKind::Max) {
    tally.number = std::max(tally.number, amount);
    of_place = std::max(of_place, amount);
  } else {
    tally.number += amount;
    of_place += amount;
  }
}

// What a process that is killed or execs leaves open never returns.
void ClaimSet::process(const wc_process& event) {
  const bool has_ended =
      event.event == WC_PROCESS_EXEC || (event.event == WC_PROCESS_EXIT && event.thread == 0);
  if (has_ended)
    std::erase_if(calls_, [&](const auto& one) { return one.second.pid == event.pid; });
}

// Why no number is known; empty: they are.
std::string ClaimSet::doubt() const {
  if (lost_ != 0) return fmt::format("{} events were lost", lost_);
  if (was_sampled_) return "not all calls were looked at (sampling)";
  return incomplete_;
}

std::vector<ClaimOutcome> ClaimSet::outcomes() const {
  const std::string why = doubt();
  std::vector<ClaimOutcome> all;
  for (size_t i = 0; i < claims_.size(); ++i) {
    ClaimOutcome outcome{.claim = &claims_[i], .number = tallies_[i].number, .why = why};
    if (!claims_[i].holds(outcome.number)) outcome.verdict = Verdict::Broken;
    if (!why.empty()) outcome.verdict = Verdict::Unknown;
    for (const auto& [place, amount] : tallies_[i].by_place)
      outcome.places.emplace_back(*place, amount);
    std::sort(outcome.places.begin(), outcome.places.end(), [](const auto& a, const auto& b) {
      return a.second != b.second ? a.second > b.second : a.first < b.first;
    });
    if (outcome.places.size() > kPlacesShown) outcome.places.resize(kPlacesShown);
    all.push_back(std::move(outcome));
  }
  return all;
}

}  // namespace wc
