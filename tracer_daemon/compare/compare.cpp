#include "compare/compare.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "compare/own.h"
#include "compare/peers.h"
#include "compare/progress.h"
#include "compare/reports.h"
#include "compare/warm_up.h"
#include "compare/words.h"
#include "measure/figure.h"
#include "measure/output_file.h"
#include "measure/result_json.h"
#include "measure/work_folder.h"

namespace wc::compare {
namespace {

using measure::now;

// A tool may take this many times as long as native, and this long however short native is.
constexpr double kPatience = 40;
constexpr double kLeastLimit = 30;
// Of the time for all: if native took longer, nothing would be left for the others.
constexpr double kNativeShare = 0.25;
// And for all warm-ups: tools that hang leave time for the others to be measured.
constexpr double kWarmUpShare = 0.5;

measure::Row row_for(const CompareOptions& options, const std::vector<std::string>& program) {
  measure::Row row;
  row.title = command_line(program);
  row.reference = "strace -f";
  if (!options.load.empty()) {
    row.load = measure::Load{options.load, options.ready};
    // What a known load generator prints, until it shows that this one prints nothing such.
    row.figure = measure::FigurePattern{"", measure::Better::More};
    row.unit = "/s";
  }
  if (!options.figure.empty()) {
    const auto better = options.less_is_better ? measure::Better::Less : measure::Better::More;
    row.figure = measure::FigurePattern{options.figure, better};
    row.unit = "";
  }
  return row;
}

class Comparing {
 public:
  Comparing(const Request& request, std::string version, std::string folder)
      : request_(request),
        options_(request.options.compare),
        version_(std::move(version)),
        folder_(std::move(folder)),
        machine_(measure::this_machine()),
        row_(row_for(options_, request.options.program)),
        warm_up_end_(now() + options_.total_limit * kWarmUpShare),
        deadline_(now() + options_.total_limit) {}

  Result<Verdict> run() {
    if (const Status ready = prepare(); !ready) return ready.error();
    {
      Progress progress;
      if (const Status warm = warm_up(progress); !warm) return warm.error();
      measure_all(progress);
    }
    const Report report = make_report();
    std::fputs(table_text(report).c_str(), stdout);
    std::fflush(stdout);
    for (const std::string& path : options_.outputs) {
      if (const Status written = measure::write_file(path, in_form_of(path, report)); !written) {
        return written.error();
      }
    }
    if (measure::interrupted_by() != 0) return Verdict::Interrupted;
    const auto is_own_failure = [](const Entry& entry) {
      return entry.kind != Kind::Peer && !entry.failure.empty();
    };
    const bool nothing = result_.variants[0].samples.empty();
    const bool failed = std::any_of(entries_.begin(), entries_.end(), is_own_failure);
    return nothing || failed ? Verdict::OwnRowFailed : Verdict::AllMeasured;
  }

 private:
  Status prepare() {
    if (!options_.figure.empty()) {
      if (Status fit = measure::check_pattern(options_.figure); !fit) return fit;
    }
    for (const std::string& path : options_.outputs) {
      if (const Status can = measure::check_writable(path); !can) return can;
    }
    return measure::write_file(folder_ + "/script", script_text(request_.options.program));
  }

  Status warm_up(Progress& progress) {
    entries_ = own_entries(request_, folder_);
    entries_.insert(entries_.begin(), Entry{});
    entries_[0].variant.name = "native";
    entries_[0].variant.command = request_.options.program;
    step_.rounds = options_.runs;
    // How many peers there will be is not known yet; the bar may be wrong by a few.
    count_steps(peer_entries(request_.options.program, {}, this_machine(), folder_).size());

    show(progress, entries_[0]);
    if (Status native = warm_up_native(); !native) return native;
    SameEvents same;
    for (std::size_t i = 1; i < entries_.size(); i++) {
      const TraceCount count = warm_up_other(progress, entries_[i]);
      if (entries_[i].kind != Kind::Scoped) continue;
      same.syscalls.insert(count.syscalls.begin(), count.syscalls.end());
      same.functions.insert(count.functions.begin(), count.functions.end());
    }
    if (Status usable = check_own(); !usable) return usable;
    for (Entry& peer : peer_entries(request_.options.program, same, this_machine(), folder_)) {
      warm_up_other(progress, peer);
      entries_.push_back(std::move(peer));
    }
    count_steps(0);
    return Done{};
  }

  Status warm_up_native() {
    const double limit =
        options_.run_limit > 0 ? options_.run_limit : options_.total_limit * kNativeShare;
    warm_up_.emplace(row_, limit);
    Status status = warm_up_->native(entries_[0].variant);
    if (!status && row_.load && options_.figure.empty() &&
        status.error().message.starts_with("printed no figure")) {
      row_.figure.reset();
      row_.unit = "ms";
      warm_up_.emplace(row_, limit);
      status = warm_up_->native(entries_[0].variant);
    }
    if (!status) {
      const std::string hint =
          row_.load ? "" : "; a program that does not end by itself needs --compare-load";
      const bool hangs = status.error().message.starts_with("no end");
      return Error{fmt::format("native run of {}: {}{}", row_.title, status.error().message,
                               hangs ? hint : "")};
    }
    warm_up_->set_limit(run_limit());
    return Done{};
  }

  [[nodiscard]] double run_limit() const {
    if (options_.run_limit > 0) return options_.run_limit;
    return std::max(kLeastLimit, kPatience * warm_up_->native_seconds());
  }

  TraceCount warm_up_other(Progress& progress, Entry& entry) {
    if (!entry.variant.skipped.empty() || measure::interrupted_by() != 0) return {};
    if (now() > warm_up_end_) {
      entry.variant.skipped = "half of the time for all was over (--compare-limit)";
      return {};
    }
    show(progress, entry);
    return warm_up_->other(entry);
  }

  // Options that no row can use are the user's mistake, to be told as without --compare.
  Status check_own() const {
    std::string reason;
    for (const Entry& entry : entries_) {
      if (entry.kind != Kind::Scoped || !entry.variant.skipped.empty()) continue;
      const std::size_t begin = entry.failure.find(kOwnPrefix);
      if (begin == std::string::npos) return Done{};
      if (reason.empty()) reason = entry.failure.substr(begin + kOwnPrefix.size());
    }
    return reason.empty() ? Status(Done{}) : Status(Error{reason});
  }

  void measure_all(Progress& progress) {
    measure::Plan plan;
    plan.rounds = options_.runs;
    plan.warm_up = measure::WarmUp::Done;
    plan.limits.run_seconds = run_limit();
    measure::Row row = row_;
    for (const Entry& entry : entries_) {
      row.variants.push_back(entry.variant);
      if (!entry.failure.empty()) row.variants.back().skipped = entry.failure;
    }
    const int before = step_.done;
    result_ = measure::measure(row, plan, deadline_, [&](const measure::Step& step) {
      step_.round = step.round;
      step_.variant = step.variant;
      step_.done = before + step.done;
      progress.show(step_);
    });
    for (std::size_t i = 0; i < entries_.size(); i++) {
      measure::VariantResult& variant = result_.variants[i];
      variant.variant.skipped = entries_[i].variant.skipped;
      if (entries_[i].failure.empty()) entries_[i].failure = variant.failure;
      variant.failure = entries_[i].failure;
      if (entries_[i].kind != Kind::Native) variant.seen = entries_[i].seen;
    }
  }

  void count_steps(std::size_t more) {
    step_.total = static_cast<int>(entries_.size() + more) * (options_.runs + 1);
  }

  void show(Progress& progress, const Entry& entry) {
    step_.variant = entry.variant.name;
    progress.show(step_);
    step_.done++;
    if (request_.options.verbose == 0) return;
    progress.say(fmt::format("{}: {}", entry.variant.name, command_line(entry.variant.command)));
  }

  [[nodiscard]] Report make_report() const {
    Report report;
    report.title = row_.title;
    report.facts = facts();
    report.unit = row_.unit;
    report.better = row_.better();
    for (std::size_t i = 0; i < entries_.size(); i++) {
      Line line;
      line.kind = entries_[i].kind;
      line.name = entries_[i].variant.name;
      line.trouble = trouble_of(i);
      line.figures = measure::compare(result_, result_.variants[i]);
      line.seen = entries_[i].seen;
      report.lines.push_back(std::move(line));
    }
    return report;
  }

  [[nodiscard]] std::string trouble_of(std::size_t index) const {
    const Entry& entry = entries_[index];
    if (!entry.variant.skipped.empty()) return "skipped: " + entry.variant.skipped;
    if (!entry.failure.empty()) return "failed: " + entry.failure;
    if (!result_.variants[index].samples.empty()) return {};
    return measure::interrupted_by() != 0 ? "not measured: interrupted"
                                          : "not measured: the time for all was over";
  }

  [[nodiscard]] std::vector<std::string> facts() const {
    std::vector<std::string> versions{measure::one_line(version_)};
    for (const std::string& peer : peer_executables()) {
      if (!this_machine().is_installed(peer)) continue;
      const std::string version = measure::one_line(measure::version_of(peer));
      versions.push_back(version.empty() ? peer : version);
    }
    std::vector<std::string> facts;
    if (row_.load) facts.push_back("load: " + measure::one_line(options_.load));
    facts.push_back(fmt::format("{}; {}; load average before {:.2f}; {}", machine_.kernel,
                                machine_.cpu, machine_.load, machine_.date));
    facts.push_back(fmt::format("{}", fmt::join(versions, "; ")));
    facts.push_back(how_it_was_measured());
    if (result_.out_of_time) {
      facts.push_back(
          fmt::format("stopped after {:.0f} s (--compare-limit): fewer runs than asked "
                      "for in some rows",
                      options_.total_limit));
    }
    return facts;
  }

  [[nodiscard]] std::string how_it_was_measured() const {
    std::string output = warm_up_->output_varies()
                             ? "output differs from run to run and was not compared"
                             : "same output and status as native in the first run";
    if (row_.load) output = "the load has succeeded each time";
    if (row_.figure && !row_.load) output = "same status as native";
    return fmt::format(
        "{} rounds in turn after a warm-up; {}; others used {:.0f} % of one CPU "
        "meanwhile",
        options_.runs, output, interference_.share() * 100);
  }

  [[nodiscard]] std::string in_form_of(const std::string& path, const Report& report) const {
    if (path.ends_with(".svg")) return chart_svg(report);
    if (path.ends_with(".html")) return page_html(report);
    return fmt::format("{{\"head\": {},\n \"row\": {}}}\n",
                       measure::head_json(machine_, report.facts), measure::row_json(result_));
  }

  const Request& request_;
  const CompareOptions& options_;
  std::string version_;
  std::string folder_;
  measure::Machine machine_;
  measure::Interference interference_;
  measure::Row row_;
  double warm_up_end_;
  double deadline_;
  std::optional<WarmUp> warm_up_;
  std::vector<Entry> entries_;  // native first
  measure::RowResult result_;
  measure::Step step_;
};

}  // namespace

Result<Verdict> compare(const Request& request, const std::string& version) {
  if (const Status able = measure::become_subreaper(); !able) return able.error();
  measure::take_interrupts();
  Result<measure::WorkFolder> folder = measure::WorkFolder::create("wc-compare");
  if (!folder) return folder.error();
  return Comparing(request, version, folder->path()).run();
}

}  // namespace wc::compare
