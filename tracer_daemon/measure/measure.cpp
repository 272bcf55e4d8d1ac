#include "measure/measure.h"

#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "measure/figure.h"
#include "measure/server.h"

namespace wc::measure {
namespace {

Error no_end(double limit, const std::string& doing) {
  return Error{fmt::format("no end after {:.0f} s: killed ({})", limit, one_line(doing))};
}

Result<LoadOutcome> run_once(const Row& row, std::size_t variant, const Capture& capture,
                             double limit) {
  const Variant& which = row.variants[variant];
  if (row.load) {
    const Leader leader = variant == 0 ? Leader::Program : Leader::Tool;
    return run_under_load(which.command, leader, *row.load, capture.streams, limit);
  }
  const Result<Outcome> outcome = run(which.command, capture.streams, limit);
  if (!outcome) return outcome.error();
  return LoadOutcome{*outcome, {}};
}

Result<double> figure_of(const Row& row, const LoadOutcome& outcome, const Capture& capture) {
  if (!row.figure) return outcome.run.wall * 1e3;
  const std::string said = row.load ? outcome.said : content_of(capture.figure_from);
  if (const auto figure = figure_in(said, *row.figure)) return *figure;
  return Error{fmt::format("printed no figure: '{}'", one_line(said).substr(0, kShownTail))};
}

double picked(const Row& row, const std::vector<double>& figures) {
  if (row.pick == Pick::Mean) {
    return std::accumulate(figures.begin(), figures.end(), 0.0) /
           static_cast<double>(figures.size());
  }
  return row.better() == Better::Less ? *std::min_element(figures.begin(), figures.end())
                                      : *std::max_element(figures.begin(), figures.end());
}

Status prepare(const Row& row, double limit) {
  if (row.before.empty()) return Done{};
  const Result<Outcome> outcome = run(row.before, Streams{}, limit);
  if (!outcome) return outcome.error();
  if (outcome->ended && outcome->status == 0) return Done{};
  return Error{fmt::format("what is run before it failed: {}", describe_status(outcome->status))};
}

void forget(const Variant& variant) {
  if (!variant.trace_file.empty()) unlink(variant.trace_file.c_str());
}

// What a run says: a file that each run writes to from its beginning.
class Output {
 public:
  static Result<Output> create() {
    Result<ScopedFd> err = temporary_file();
    if (!err) return err.error();
    Output output;
    output.err_ = std::move(*err);
    return output;
  }
  // The program's standard output is thrown away unless its figure stands there.
  Capture fresh(const Row& row) {
    if (ftruncate(err_.get(), 0) == 0) lseek(err_.get(), 0, SEEK_SET);
    if (!row.figure || row.load) return Capture{{-1, err_.get()}, -1};
    const bool anywhere = row.figure->printed_to == PrintedTo::Anywhere;
    return Capture{{anywhere ? err_.get() : -1, err_.get()}, err_.get()};
  }
  std::string last_words() { return one_line(tail_of(err_.get(), kShownTail)); }

 private:
  ScopedFd err_;
};

class Measurement {
 public:
  Measurement(const Row& row, const Plan& plan, double deadline, const OnStep& on_step,
              Output& output)
      : plan_(plan), deadline_(deadline), on_step_(on_step), output_(output) {
    result_.row = row;
    for (const Variant& variant : row.variants) result_.variants.push_back({variant, {}, "", {}});
    step_.rounds = plan.rounds;
    step_.row = row.title;
    step_.total = plan.rounds * static_cast<int>(row.variants.size());
  }

  RowResult run() {
    if (plan_.warm_up == WarmUp::Native) one(0, 0);
    for (int round = 1; round <= plan_.rounds && may_go_on(); round++) {
      for (std::size_t i = 0; i < result_.variants.size() && may_go_on(); i++) {
        one(i, round);
        step_.done++;
      }
    }
    return std::move(result_);
  }

 private:
  bool may_go_on() {
    if (now() > deadline_) result_.out_of_time = true;
    return !result_.out_of_time && interrupted_by() == 0;
  }

  void one(std::size_t index, int round) {
    VariantResult& variant = result_.variants[index];
    if (!variant.variant.skipped.empty() || !variant.failure.empty()) return;
    step_.round = round;
    step_.variant = variant.variant.name;
    on_step_(step_);
    const Result<Sample> sample = take(index);
    forget(variant.variant);
    if (interrupted_by() != 0) return;
    if (!sample) {
      variant.failure = sample.error().message;
    } else if (const std::string fault = judge(*sample, variant.variant); !fault.empty()) {
      variant.failure = fault;
    } else if (round > 0) {
      variant.samples.emplace(round, *sample);
    }
  }

  Result<Sample> take(std::size_t index) {
    return take_sample(result_.row, index, output_.fresh(result_.row), plan_.limits.run_seconds);
  }

  std::string judge(const Sample& sample, const Variant& variant) {
    if (result_.row.load) return {};  // ended by us, each tool in its own way
    if (!native_status_) native_status_ = sample.status;
    const std::string fault = fault_of_status(sample, variant, *native_status_);
    return fault.empty() ? fault : fmt::format("{}: {}", fault, output_.last_words());
  }

  const Plan& plan_;
  double deadline_;
  const OnStep& on_step_;
  Output& output_;
  RowResult result_;
  Step step_;
  std::optional<int> native_status_;
};

}  // namespace

Result<Sample> take_sample(const Row& row, std::size_t variant, const Capture& capture,
                           double limit) {
  Sample sample;
  std::vector<double> figures;
  for (int turn = 0; turn < row.runs; turn++) {
    if (const Status prepared = prepare(row, limit); !prepared) return prepared.error();
    const Result<LoadOutcome> outcome = run_once(row, variant, capture, limit);
    if (!outcome) return outcome.error();
    if (!outcome->run.ended) return no_end(limit, outcome->run.doing);
    const Result<double> figure = figure_of(row, *outcome, capture);
    // A program that failed prints none; how it failed says more.
    if (!figure && outcome->run.status != 0 && !row.load) {
      return Error{
          fmt::format("{}: {}", describe_status(outcome->run.status), figure.error().message)};
    }
    if (!figure) return figure.error();
    figures.push_back(*figure);
    sample.wall += outcome->run.wall / row.runs;
    sample.cpu += outcome->run.cpu / row.runs;
    sample.status = outcome->run.status;
  }
  sample.figure = picked(row, figures) / row.per;
  if (std::isfinite(sample.figure) && sample.figure > 0) return sample;
  return Error{fmt::format("is no figure: {}", sample.figure)};
}

std::string fault_of_status(const Sample& sample, const Variant& variant, int native_status) {
  const bool fits = sample.status == native_status ||
                    (variant.exit_status == ExitStatus::OfTool && sample.status == 0);
  if (fits) return {};
  return fmt::format("{} (native: {})", describe_status(sample.status),
                     describe_status(native_status));
}

RowResult measure(const Row& row, const Plan& plan, double deadline, const OnStep& on_step) {
  Result<Output> output = Output::create();
  if (output) return Measurement(row, plan, deadline, on_step, *output).run();
  RowResult nothing{row, {}, false};
  for (const Variant& variant : row.variants) {
    nothing.variants.push_back({variant, {}, output.error().message, {}});
  }
  return nothing;
}

}  // namespace wc::measure
