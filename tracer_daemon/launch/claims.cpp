#include "launch/claims.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <utility>
#include <vector>

#include "base/text.h"
#include "claims/claim_report.h"
#include "decode/decoder.h"
#include "events/tick_clock.h"
#include "launch/launch.h"
#include "launch/preflight.h"

namespace wc {
namespace {

std::string suite_of(const Options& options) {
  if (options.command == Command::Replay) return std::string(base_name(options.replay.file));
  if (options.program.empty()) return "wc-preload -p";
  return std::string(base_name(options.program.front()));
}

// What -e leaves out reaches no claim.
Status check_seen(const Claim& claim, const Options& options) {
  if (options.syscalls.empty() || claim.kind == ClaimKind::Calls) return Done{};
  const auto seen = parse_syscall_filter(options.syscalls);
  if (!seen) return seen.error();
  const SyscallSet unseen = claim.syscalls & ~*seen;
  for (uint32_t nr = 0; nr < unseen.size(); ++nr) {
    if (unseen[nr])
      return Error{fmt::format("claim '{}' counts {}, which -e leaves out; let -e have it, too",
                               claim.text, syscall_spec(nr).name)};
  }
  return Done{};
}

}  // namespace

Result<Claims> Claims::prepare(const Options& options) {
  Claims claims;
  std::vector<Claim> parsed;
  for (const ClaimText& one : options.claims) {
    auto claim = parse_claim(one.text, one.where);
    if (!claim) return claim.error();
    if (Status seen = check_seen(*claim, options); !seen) return seen.error();
    parsed.push_back(std::move(*claim));
  }
  if (parsed.empty()) return claims;
  if (!options.junit_path.empty()) {
    auto file = Output::open_file(options.junit_path);
    if (!file) return file.error();
    claims.junit_ = std::move(*file);
  }
  claims.set_ = std::make_shared<ClaimSet>(std::move(parsed));
  claims.suite_ = suite_of(options);
  claims.began_ = TickClock::now();
  claims.says_all_ = options.verbose > 0;
  return claims;
}

int Claims::write_junit(std::span<const ClaimOutcome> outcomes) {
  const std::time_t second = std::time(nullptr);
  const JUnitRun run{.suite = suite_,
                     .timestamp = fmt::format("{:%Y-%m-%dT%H:%M:%S}", fmt::gmtime(second)),
                     .seconds = static_cast<double>(TickClock::now() - began_) / 1e9};
  junit_->write(claims_junit(outcomes, run));
  junit_->close();
  const std::string error = junit_->take_error();
  if (error.empty()) return 0;
  complain(error);
  return kTracerFailed;
}

int Claims::finish(int status, bool was_stopped) {
  if (set_ == nullptr) return status;
  if (was_stopped) set_->note_end("tracing was stopped before the program had ended");
  const std::vector<ClaimOutcome> outcomes = set_->outcomes();
  bool is_broken = false;
  for (const ClaimOutcome& one : outcomes) is_broken |= one.verdict != Verdict::Holds;
  for (const std::string& line : claim_lines(outcomes, says_all_)) complain(line);
  const int written = junit_ != nullptr ? write_junit(outcomes) : 0;
  if (status == 0 && written != 0) return written;
  return status == 0 && is_broken ? kClaimBroken : status;
}

}  // namespace wc
