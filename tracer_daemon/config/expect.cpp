// --expect: claims, from the command line or a file, and what they need of the other options.
#include <fmt/format.h>

#include "base/text.h"
#include "config/settings.h"
#include "config/words.h"

namespace wc::config {
namespace {

// One claim a line; blank lines, and lines that begin with '#', are comments.
Status add_file(const Setting& setting, const std::string& path, Options& options) {
  if (path.empty()) return Error{setting.where + ": no file is named behind '@'"};
  const Result<std::string> text = read_text_file(path, "the claims' file", "is it one?");
  if (!text) return Error{fmt::format("{}: {}", setting.where, text.error().message)};
  std::string_view left = *text;
  std::size_t before = options.claims.size();
  for (unsigned number = 1; !left.empty(); ++number) {
    const std::size_t end = std::min(left.find('\n'), left.size());
    const std::string_view line = trimmed(left.substr(0, end), " \t\r");
    left.remove_prefix(std::min(end + 1, left.size()));
    if (line.empty() || line.starts_with('#')) continue;
    options.claims.push_back({std::string(line), fmt::format("{}:{}", path, number)});
  }
  if (options.claims.size() == before)
    return Error{fmt::format("{}: no claim stands in {}", setting.where, in_quotes(path))};
  return Done{};
}

}  // namespace

Status add_claims(const Setting& setting, Options& options) {
  const std::string_view text = trimmed(setting.value);
  if (text.starts_with('@')) return add_file(setting, std::string(text.substr(1)), options);
  const bool is_of_file = !setting.where.starts_with("option ");
  options.claims.push_back({std::string(text), is_of_file ? setting.where : ""});
  return Done{};
}

// The grammar is claims/claim.h's. What is wrong is said there.
std::string_view functions_of_claim(std::string_view claim) {
  constexpr std::string_view kCalls = "calls:", kSigns = "=!<>";
  const std::size_t last = claim.find_last_of(kSigns);
  if (last == claim.npos) return {};
  const bool has_two = last > 0 && kSigns.find(claim[last - 1]) != claim.npos;
  const std::string_view subject = trimmed(claim.substr(0, has_two ? last - 1 : last));
  if (subject.starts_with(kCalls)) {
    const std::string_view functions = trimmed(subject.substr(kCalls.size()));
    const bool is_doubled = functions.starts_with(':') && !functions.starts_with("::");
    return is_doubled ? subject.substr(kCalls.size() - 1) : functions;
  }
  const std::size_t at = subject.find('@');
  return at != subject.npos ? trimmed(subject.substr(at + 1)) : std::string_view();
}

Status check_claims(Options& options) {
  if (options.claims.empty()) return Done{};
  constexpr std::string_view kWhole = "a claim is about all of a run";
  if (!options.samples.empty())
    return Error{fmt::format(
        "--expect and --every, --rate, --first exclude each other: {}, and what is not looked at "
        "is not counted",
        kWhole)};
  if (!options.paths.empty() || options.statuses != kAllStatuses)
    return Error{fmt::format(
        "--expect goes without -P, -z, -Z and --status: {}, and these leave out a part of it",
        kWhole)};
  if (!options.control_path.empty() && options.command != Command::Serve)
    options.warnings.emplace_back(
        "--expect with --control: what wc-ctl switches off or leaves out is not counted");
  return Done{};
}

}  // namespace wc::config
