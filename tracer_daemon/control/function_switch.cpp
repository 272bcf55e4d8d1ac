#include "control/function_switch.h"

#include <algorithm>
#include <iterator>

namespace wc {
namespace {

std::vector<Candidate> candidates_of(const FunctionTable& table) {
  std::vector<Candidate> all;
  all.reserve(table.functions.size());
  for (const FunctionInfo& function : table.functions)
    all.push_back({function.symbol, function.library, function.library == "libc.so.6"});
  return all;
}

// What is in none of the programs would be silence.
Status check(std::span<const Term> terms, std::span<const FunctionTable* const> tables) {
  std::vector<Candidate> all;
  for (const FunctionTable* table : tables)
    std::ranges::copy(candidates_of(*table), std::back_inserter(all));
  if (all.empty()) return Done{};
  constexpr const char* kHint =
      "; what is to be switched on later is prepared at the start: --prepare LIST";
  auto outcome = select(terms, all, true);
  if (!outcome) return Error{outcome.error().message + kHint};
  if (!outcome->warnings.empty()) return Error{outcome->warnings.front() + kHint};
  return Done{};
}

bool is_same_selection(const Term& one, const Term& other) {
  return one.kind == other.kind && one.class_bit == other.class_bit &&
         one.pattern == other.pattern && one.library == other.library;
}

// One that selects nothing: a list that began with an exclusion would begin with @default.
Term nothing() {
  Term term;
  term.pattern = "-";
  return term;
}

// The same list, beginning with what it begins with.
std::vector<Term> spelt_out(std::vector<Term> terms) {
  if (terms.empty() || !terms.front().exclude) return terms;
  if (auto first = parse_selection("@default")) terms.insert(terms.begin(), first->front());
  return terms;
}

}  // namespace

FunctionSwitch::FunctionSwitch(std::vector<Term> selected, SampleList samples)
    : terms_(spelt_out(std::move(selected))), samples_(std::move(samples)) {}

Status FunctionSwitch::change(Change how, std::string_view list,
                              std::span<const FunctionTable* const> tables) {
  auto terms = parse_selection(list);
  if (!terms) return terms.error();
  const bool has_exclusion =
      std::ranges::any_of(*terms, [](const Term& term) { return term.exclude; });
  if (how != Change::Set && has_exclusion)
    return Error{"'!' has no meaning here: functions add LIST, functions remove LIST"};
  if (std::ranges::any_of(*terms, [](const Term& term) { return term.kind == Term::Kind::Scope; }))
    return Error{"scopes that the program names itself cannot be switched while it runs"};
  if (auto fits = check(*terms, tables); !fits) return fits;
  if (how == Change::Remove)
    for (Term& term : *terms) term.exclude = true;
  if (how == Change::Set)
    terms_ = spelt_out(std::move(*terms));
  else
    append(std::move(*terms));
  known_.clear();
  generation_++;
  return Done{};
}

// A later term decides on all that an earlier one of the same functions has decided on.
void FunctionSwitch::append(std::vector<Term> more) {
  for (Term& term : more) {
    std::erase_if(terms_, [&](const Term& old) { return is_same_selection(old, term); });
    terms_.push_back(std::move(term));
  }
  if (!terms_.empty() && terms_.front().exclude) terms_.insert(terms_.begin(), nothing());
}

void FunctionSwitch::pause(bool is_paused) {
  is_paused_ = is_paused;
  known_.clear();
  generation_++;
}

void FunctionSwitch::set_samples(SampleList samples) {
  samples_ = std::move(samples);
  known_.clear();
  generation_++;
}

std::shared_ptr<const FunctionModes> FunctionSwitch::modes(const FunctionTable& table) {
  auto& known = known_[table.id];
  if (known != nullptr) return known;
  auto modes = std::make_shared<FunctionModes>();
  auto& rows = modes->rows;
  rows.assign(table.functions.size(), WC_OFF);
  const auto candidates = candidates_of(table);
  if (!is_paused_)
    if (auto outcome = select(terms_, candidates, false))
      for (uint32_t index : outcome->selected) rows[index] = 0;
  for (uint32_t i = 0; i < samples_.size(); i++) {
    const CallSample& sample = samples_[i];
    modes->weights.push_back(sample.weight());
    const uint8_t mode = sample.reports_all() ? 0 : static_cast<uint8_t>(WC_SAMPLED + i);
    if (auto outcome = select(sample.functions, candidates, false))
      for (uint32_t index : outcome->selected)
        if (rows[index] != WC_OFF) rows[index] = mode;
  }
  return known = std::move(modes);
}

std::string FunctionSwitch::list() const {
  std::string text;
  for (const Term& term : terms_) {
    if (term.kind == Term::Kind::Name && term.pattern == "-") continue;
    if (!text.empty()) text += ',';
    if (term.exclude && !term.text.starts_with('!')) text += '!';
    text += term.text;
  }
  return text;
}

}  // namespace wc
