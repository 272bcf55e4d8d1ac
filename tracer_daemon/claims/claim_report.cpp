#include "claims/claim_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "base/xml.h"
#include "escape.h"

namespace wc {
namespace {

// "5; main at hello.c:9 (3), flush at log.c:7 (2)"
std::string number_and_places(const ClaimOutcome& outcome) {
  std::string text = number_text(*outcome.claim, outcome.number);
  std::string_view separator = "; by ";
  for (const auto& [place, amount] : outcome.places) {
    text += fmt::format("{}{} ({})", separator, place, number_text(*outcome.claim, amount));
    separator = ", ";
  }
  return text;
}

std::string what_became(const ClaimOutcome& outcome) {
  switch (outcome.verdict) {
    case Verdict::Holds:
      return fmt::format("holds: {}", number_text(*outcome.claim, outcome.number));
    case Verdict::Broken:
      return fmt::format("does not hold: {}", number_and_places(outcome));
    case Verdict::Unknown:
      return fmt::format("cannot be checked: {}; counted {}", outcome.why,
                         number_and_places(outcome));
  }
  return {};
}

// XML 1.0 has no way to write control characters, and bytes that are not UTF-8 make a file that no
// reader takes: those are escaped as in the text output.
std::string xml(std::string_view text) {
  std::string plain;
  for (const char& c : text)
    if (c == '\\' || c == '"')
      plain += c;
    else
      backends::append_escaped(plain, {&c, 1});
  return xml_escaped(plain);
}

size_t number_of(std::span<const ClaimOutcome> outcomes, Verdict verdict) {
  return static_cast<size_t>(
      std::count_if(outcomes.begin(), outcomes.end(),
                    [&](const ClaimOutcome& one) { return one.verdict == verdict; }));
}

}  // namespace

std::vector<std::string> claim_lines(std::span<const ClaimOutcome> outcomes, bool all) {
  std::vector<std::string> lines;
  for (const ClaimOutcome& outcome : outcomes) {
    if (outcome.verdict == Verdict::Holds && !all) continue;
    const Claim& claim = *outcome.claim;
    const std::string place = claim.where.empty() ? "" : claim.where + ": ";
    lines.push_back(fmt::format("{}claim '{}' {}", place, claim.text, what_became(outcome)));
  }
  return lines;
}

std::string claims_junit(std::span<const ClaimOutcome> outcomes, const JUnitRun& run) {
  const size_t failures = number_of(outcomes, Verdict::Broken);
  const size_t errors = number_of(outcomes, Verdict::Unknown);
  const std::string counts = fmt::format(R"(tests="{}" failures="{}" errors="{}" time="{:.3f}")",
                                         outcomes.size(), failures, errors, run.seconds);
  std::string out = R"(<?xml version="1.0" encoding="UTF-8"?>)";
  auto end = std::back_inserter(out);
  fmt::format_to(end, "\n<testsuites {}>\n", counts);
  fmt::format_to(end, "  <testsuite name=\"{}\" skipped=\"0\" {} timestamp=\"{}\">\n",
                 xml(run.suite), counts, run.timestamp);
  for (const ClaimOutcome& outcome : outcomes) {
    const Claim& claim = *outcome.claim;
    const std::string name = claim.where.empty() ? "--expect" : claim.where;
    fmt::format_to(end, "    <testcase classname=\"{}\" name=\"{}\" time=\"0\"", xml(name),
                   xml(claim.text));
    if (outcome.verdict == Verdict::Holds) {
      out += "/>\n";
      continue;
    }
    const bool is_broken = outcome.verdict == Verdict::Broken;
    const std::string_view element = is_broken ? "failure" : "error";
    fmt::format_to(end, ">\n      <{0} message=\"{1}\" type=\"claim\">{1}</{0}>\n    </testcase>\n",
                   element, xml(what_became(outcome)));
  }
  out += "  </testsuite>\n</testsuites>\n";
  return out;
}

}  // namespace wc
