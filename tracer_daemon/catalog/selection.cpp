// The selection language. select() runs at every exec of every traced process, so it looks each
// candidate up once (a hash), builds an index of names only when a term needs it, and matches
// globs without allocating.
#include "catalog/selection.h"

#include <algorithm>
#include <bit>
#include <cstddef>
#include <functional>
#include <optional>
#include <utility>

#include "catalog/catalog.h"
#include "catalog/glob.h"

namespace wc {
namespace {

constexpr std::string_view kSeparators = ", \t\r\n";
constexpr std::string_view kLoaderReason = "it is an internal function of the dynamic loader";

// ---------------------------------------------------------------------------------------------
// Messages

std::string quoted(std::string_view text) { return "'" + std::string(text) + "'"; }

// "; did you mean 'printf' or 'wprintf'?", or nothing.
std::string did_you_mean(std::span<const std::string_view> names, std::string_view prefix = "") {
  std::string out;
  for (size_t i = 0; i < names.size(); ++i) {
    out += i == 0 ? "; did you mean " : i + 1 == names.size() ? " or " : ", ";
    out += quoted(std::string(prefix) + std::string(names[i]));
  }
  if (!out.empty()) out += '?';
  return out;
}

// ---------------------------------------------------------------------------------------------
// Syntax

Error wrong(const Term& term, const std::string& what) {
  return Error{"in the list of functions, " + quoted(term.text) + " " + what};
}

Result<Term> parse_class(Term term, std::string_view name) {
  if (name.find('@') != name.npos) {
    return wrong(term,
                 "combines a class and a library, but classes are of libc only; for all "
                 "functions of a library write '*@LIBRARY'");
  }
  if (name == "all") {
    term.kind = Term::Kind::All;
    return term;
  }
  term.kind = Term::Kind::Class;
  term.class_bit = class_of_name(name);
  if (term.class_bit != 0) return term;
  std::vector<std::string_view> names{"all"};
  for (const ClassName& entry : class_names()) names.push_back(entry.name);
  const auto near = nearest(name, names);
  std::string hint = did_you_mean(near, "@");
  if (hint.empty()) {
    hint = "; classes are";
    for (const std::string_view known : names) hint += " @" + std::string(known);
  }
  return wrong(term, "is no class of functions" + hint);
}

constexpr std::string_view kScope = "scope:";

// The names are the program's: nothing is known of them before it says them.
Result<Term> parse_scope(Term term, std::string_view pattern) {
  if (pattern.starts_with('!'))
    return wrong(term, "excludes nothing: '!' stands in front of scope:");
  if (pattern.empty()) return wrong(term, "names no scope: write scope:NAME, or scope:* for all");
  if (!brackets_close(pattern)) return wrong(term, "has a '[' without ']'");
  term.kind = Term::Kind::Scope;
  term.pattern = pattern;
  return term;
}

Result<Term> parse_term(std::string_view text) {
  Term term;
  term.text = text;
  if (text.starts_with('!')) {
    term.exclude = true;
    text.remove_prefix(1);
  }
  if (text.empty()) return wrong(term, "excludes nothing: write the name right behind it");
  if (text.starts_with(kScope)) return parse_scope(std::move(term), text.substr(kScope.size()));
  if (text.starts_with('@')) return parse_class(std::move(term), text.substr(1));

  const size_t at = text.find('@');
  const std::string_view pattern = text.substr(0, at);
  if (at != text.npos) {
    term.library = text.substr(at + 1);
    if (term.library.empty()) return wrong(term, "names no library behind '@'");
    if (term.library.find_first_of("@!") != std::string::npos) {
      return wrong(term, "is not NAME@LIBRARY: symbol versions cannot be selected");
    }
  }
  term.pattern = pattern;
  term.kind = has_glob(pattern) ? Term::Kind::Glob : Term::Kind::Name;
  if (!brackets_close(pattern) || !brackets_close(term.library)) {
    return wrong(term, "has a '[' without ']' (lists of characters cannot hold commas or blanks)");
  }
  if (term.kind == Term::Kind::Name) {
    const auto is_symbol_char = [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
             c == '_' || c == '$' || c == '.' || static_cast<unsigned char>(c) >= 0x80;
    };
    if (!std::all_of(pattern.begin(), pattern.end(), is_symbol_char)) {
      return wrong(term, "is not the name of a function");
    }
  }
  return term;
}

// ---------------------------------------------------------------------------------------------
// Selection

std::string_view family_of(std::string_view name) {
  const FunctionSpec* spec = find_function(name);
  return spec != nullptr ? spec->family : name;
}

class Selector {
 public:
  Selector(std::span<const Candidate> candidates, bool strict)
      : candidates_(candidates), strict_(strict), on_(candidates.size()) {
    specs_.reserve(candidates.size());
    for (const Candidate& candidate : candidates) specs_.push_back(find_function(candidate.name));
  }

  [[nodiscard]] std::optional<Error> apply(const Term& term) {
    switch (term.kind) {
      case Term::Kind::Name:
        return apply_name(term);
      case Term::Kind::Glob:
        apply_glob(term);
        return std::nullopt;
      case Term::Kind::Class:
        apply_class(term.class_bit, !term.exclude);
        return std::nullopt;
      case Term::Kind::All:
        for (uint32_t i = 0; i < candidates_.size(); ++i) {
          if (candidates_[i].is_libc) set(i, !term.exclude);
        }
        return std::nullopt;
      case Term::Kind::Scope:
        return std::nullopt;  // no candidate is one
    }
    return std::nullopt;
  }

  void apply_class(uint32_t bit, bool on) {
    for (uint32_t i = 0; i < candidates_.size(); ++i) {
      const FunctionSpec* spec = specs_[i];
      if (candidates_[i].is_libc && spec != nullptr && (spec->classes & bit) != 0) set(i, on);
    }
  }

  SelectionOutcome finish() {
    SelectionOutcome outcome;
    for (uint32_t i = 0; i < candidates_.size(); ++i) {
      if (on_[i]) outcome.selected.push_back(i);
    }
    outcome.warnings = std::move(warnings_);
    return outcome;
  }

 private:
  // The public name in libc, the name itself elsewhere.
  std::string_view key(uint32_t i) const {
    const bool known = candidates_[i].is_libc && specs_[i] != nullptr;
    return known ? specs_[i]->family : candidates_[i].name;
  }

  // Why candidate i cannot be wrapped; empty when it can.
  std::string_view obstacle(uint32_t i) const {
    if (specs_[i] != nullptr && specs_[i]->wrap == Wrap::Never) return specs_[i]->reason;
    if (candidates_[i].name.starts_with("_dl_")) return kLoaderReason;
    return {};
  }

  void set(uint32_t i, bool on) { on_[i] = on && obstacle(i).empty(); }

  // Chains of candidates by the hash of their key: heads_[hash] and next_[i] are index + 1.
  void build_index() {
    const size_t buckets = std::bit_ceil(std::max<size_t>(candidates_.size(), 1));
    heads_.assign(buckets, 0);
    next_.assign(candidates_.size(), 0);
    for (uint32_t i = 0; i < candidates_.size(); ++i) {
      uint32_t& head = heads_[bucket(key(i))];
      next_[i] = std::exchange(head, i + 1);
    }
  }
  size_t bucket(std::string_view text) const {
    return std::hash<std::string_view>{}(text) & (heads_.size() - 1);
  }

  template <typename Visit>
  void for_each_named(std::string_view name, const Visit& visit) {
    if (heads_.empty()) build_index();
    for (uint32_t link = heads_[bucket(name)]; link != 0; link = next_[link - 1]) {
      if (key(link - 1) == name) visit(link - 1);
    }
  }

  std::optional<Error> apply_name(const Term& term) {
    size_t matches = 0;
    std::vector<std::pair<std::string_view, std::string_view>> refused;  // name, reason
    const auto visit = [&](uint32_t i) {
      if (!match_library(term.library, candidates_[i].library)) return;
      ++matches;
      set(i, !term.exclude);
      if (const std::string_view why = obstacle(i); !why.empty()) {
        const std::pair entry{candidates_[i].name, why};
        const auto same = [&](const auto& other) { return other.second == why; };
        // One reason is given once, for the name that the user wrote where it is among them.
        const auto seen = std::find_if(refused.begin(), refused.end(), same);
        if (seen == refused.end()) {
          refused.push_back(entry);
        } else if (entry.first == term.pattern) {
          *seen = entry;
        }
      }
    };
    const std::string_view family = family_of(term.pattern);
    for_each_named(term.pattern, visit);
    // In other libraries a name is only itself: their open is not meant by open64.
    if (family != term.pattern) {
      for_each_named(family, [&](uint32_t i) {
        if (candidates_[i].is_libc) visit(i);
      });
    }

    if (!strict_) return std::nullopt;
    if (matches == 0) return nothing_named(term);
    if (!term.exclude) {
      for (const auto& [name, why] : refused) {
        warnings_.push_back("cannot wrap " + std::string(name) + ": " + std::string(why));
      }
    }
    return std::nullopt;
  }

  void apply_glob(const Term& term) {
    bool matched = false;
    for (uint32_t i = 0; i < candidates_.size(); ++i) {
      const Candidate& candidate = candidates_[i];
      if (!match_library(term.library, candidate.library)) continue;
      const std::string_view public_name = key(i);
      if (!match_glob(term.pattern, candidate.name) &&
          (public_name == candidate.name || !match_glob(term.pattern, public_name))) {
        continue;
      }
      matched = true;
      set(i, !term.exclude);
    }
    if (matched || !strict_ || warn_missing_library(term)) return;
    warnings_.push_back(quoted(term.text) + " matches no function of the program's libraries");
  }

  bool library_present(const Term& term) const {
    return term.library.empty() ||
           std::any_of(candidates_.begin(), candidates_.end(), [&](const Candidate& candidate) {
             return match_library(term.library, candidate.library);
           });
  }

  bool warn_missing_library(const Term& term) {
    if (library_present(term)) return false;
    std::vector<std::string_view> libraries;
    for (const Candidate& candidate : candidates_) {
      if (libraries.empty() || libraries.back() != candidate.library) {
        libraries.push_back(candidate.library);
      }
    }
    warnings_.push_back(quoted(term.text) +
                        ": the program does not start with such a library; where dlopen loads "
                        "one, -B " +
                        term.pattern + "@LIBRARY sees its calls" +
                        did_you_mean(nearest(term.library, libraries)));
    return true;
  }

  std::optional<Error> nothing_named(const Term& term) {
    if (warn_missing_library(term)) return std::nullopt;
    std::vector<std::string_view> names;
    for (uint32_t i = 0; i < candidates_.size(); ++i) {
      if (!match_library(term.library, candidates_[i].library)) continue;
      // Names of the implementation are only offered to those who wrote one.
      if (key(i).starts_with('_') && !term.pattern.starts_with('_')) continue;
      names.push_back(key(i));
    }
    std::string hint = did_you_mean(nearest(term.pattern, names));
    if (term.library.empty() && (class_of_name(term.pattern) != 0 || term.pattern == "all")) {
      hint = "; did you mean the class '@" + term.pattern + "'?";
    }
    if (term.exclude) {
      // Lists are shared by programs: what is not there needs no exclusion, but may be a slip.
      if (!hint.empty() && find_function(term.pattern) == nullptr) {
        warnings_.push_back(quoted(term.text) + " excludes nothing" + hint);
      }
      return std::nullopt;
    }
    if (!term.library.empty()) {
      return Error{quoted(term.library) + " exports no function " + quoted(term.pattern) + hint};
    }
    return Error{"no library of the program exports " + quoted(term.pattern) + hint +
                 " (for a library that dlopen loads later write " + term.pattern +
                 "@LIBRARY, for a function of the program itself use -B)"};
  }

  std::span<const Candidate> candidates_;
  bool strict_;
  std::vector<uint8_t> on_;
  std::vector<const FunctionSpec*> specs_;
  std::vector<uint32_t> heads_;
  std::vector<uint32_t> next_;
  std::vector<std::string> warnings_;
};

}  // namespace

Result<std::vector<Term>> parse_selection(std::string_view list) {
  std::vector<Term> terms;
  while (!list.empty()) {
    const size_t end = list.find_first_of(kSeparators);
    const std::string_view text = list.substr(0, end);
    list.remove_prefix(end == list.npos ? list.size() : end + 1);
    if (text.empty()) continue;
    Result<Term> term = parse_term(text);
    if (!term) return term.error();
    terms.push_back(std::move(*term));
  }
  return terms;
}

std::string scope_patterns(std::span<const Term> terms) {
  std::string patterns;
  for (const Term& term : terms) {
    if (term.kind == Term::Kind::Scope) patterns += (term.exclude ? ",!" : ",") + term.pattern;
  }
  return patterns;
}

bool selects_scope(std::span<const Term> terms, std::string_view name) {
  bool selected = false;
  for (const Term& term : terms) {
    if (term.kind == Term::Kind::Scope && match_glob(term.pattern, name)) selected = !term.exclude;
  }
  return selected;
}

Result<SelectionOutcome> select(std::span<const Term> terms, std::span<const Candidate> candidates,
                                bool strict) {
  Selector selector(candidates, strict);
  if (!terms.empty() && terms.front().exclude) selector.apply_class(kDefault, true);
  for (const Term& term : terms) {
    if (auto error = selector.apply(term)) return *std::move(error);
  }
  return selector.finish();
}

}  // namespace wc
