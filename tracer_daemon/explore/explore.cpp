#include "explore/explore.h"

#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <limits>

#include "compare/words.h"
#include "explore/errors.h"
#include "explore/pool.h"
#include "explore/report.h"
#include "measure/child.h"
#include "measure/output_file.h"
#include "measure/work_folder.h"

namespace wc::explore {
namespace {

// Of the first run, whose time is not known; and of the others, which may take so many times as
// long, and this long however short it was.
constexpr double kFirstLimit = 60;
constexpr double kPatience = 10;
constexpr double kLeastLimit = 5;
constexpr double kNever = std::numeric_limits<double>::infinity();
constexpr int kMostAlone = 3;  // tries of one row

void say(const std::string& line) { dprintf(STDERR_FILENO, "wc-preload: %s\n", line.c_str()); }

// How far it is: a line that is written over on a terminal, elsewhere one line.
class Progress {
 public:
  Progress(std::size_t total, std::string what)
      : total_(total), what_(std::move(what)), on_terminal_(isatty(STDERR_FILENO) == 1) {
    if (!on_terminal_ && total > 0) say(fmt::format("{}, {} runs", what_, total));
  }
  ~Progress() {
    if (on_terminal_) dprintf(STDERR_FILENO, "\r\033[K");
  }
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void step() {
    if (!on_terminal_) return;
    dprintf(STDERR_FILENO, "\r\033[K%s, %zu of %zu runs", what_.c_str(), ++done_, total_);
  }

 private:
  std::size_t total_, done_ = 0;
  std::string what_;
  bool on_terminal_;
};

class Exploring {
 public:
  Exploring(const Request& request, std::string folder)
      : request_(request),
        options_(request.options.explore),
        folder_(std::move(folder)),
        begin_(measure::now()),
        deadline_(options_.total_limit > 0 ? begin_ + options_.total_limit : kNever) {}

  Result<Found> run() {
    auto choice = parse_error_choice(options_.errors);
    if (!choice) return Error{"option --explore: " + choice.error().message};
    if (const std::string& output = request_.options.output; !output.empty()) {
      if (const Status can = measure::check_writable(output); !can) return can.error();
    }
    Result<Ran> first = run_alone(options_.run_limit > 0 ? options_.run_limit : kFirstLimit);
    if (!first) return first.error();
    repeat_own_lines(first->err);
    limit_ = options_.run_limit > 0 ? options_.run_limit
                                    : std::max(kLeastLimit, kPatience * first->seconds);
    Result<Ran> second = run_alone(limit_);
    if (!second) return second.error();
    // The first one may have found files that it made or changed: then it is not like the others.
    if (!ended_alike(*first, *second)) {
      first = std::move(second);
      second = run_alone(limit_);
      if (!second) return second.error();
    }
    if (first->status != second->status)
      return Error{fmt::format(
          "the program ends in one way and another: {}, then {}; nothing can "
          "be compared",
          measure::describe_status(first->status), measure::describe_status(second->status))};
    sound_ = sound_of(*first, *second);
    list_rows(second->trace, *choice);
    if (const Status ran = run_rows(Pass::Together); !ran) return ran.error();
    for (int again = 0; again < kMostAlone; again++) {
      const Pass pass = again == 0 ? Pass::Alone : Pass::AloneAgain;
      if (const Status ran = run_rows(pass); !ran) return ran.error();
    }
    if (const Status looked = look_for_change(); !looked) return looked.error();
    return finish();
  }

 private:
  // Runs at the same time may get into each other's way (files of one name, what a folder holds),
  // so what seems to have changed is run once more alone, and that counts. What ended by a signal
  // is then asked for stacks, which cost too much for all. Threads may come to a point in another
  // order: such a row has a few tries.
  enum class Pass { Together, Alone, AloneAgain };

  [[nodiscard]] std::string trace_file(std::size_t number) const {
    return fmt::format("{}/trace.{}", folder_, number);
  }

  [[nodiscard]] std::vector<std::string> command(const std::vector<std::string>& more,
                                                 std::size_t number) const {
    std::vector<std::string> words = request_.tracer;
    words.insert(words.end(), options_.handed_on.begin(), options_.handed_on.end());
    words.insert(words.end(), {"--engine=ptrace", "--quiet=none", "--string-size=0",
                               "--backend=json", "--output=" + trace_file(number)});
    words.insert(words.end(), more.begin(), more.end());
    words.emplace_back("--");
    const std::vector<std::string>& program = request_.options.program;
    words.insert(words.end(), program.begin(), program.end());
    if (request_.options.verbose > 0) say(compare::command_line(words));
    return words;
  }

  // A run with what its trace holds; the file is gone then.
  Status add_trace(Ran& ran, std::size_t number) const {
    const std::string file = trace_file(number);
    Result<Trace> trace = read_trace(file);
    unlink(file.c_str());
    if (!trace) return trace.error();
    ran.trace = std::move(*trace);
    return Done{};
  }

  Result<Ran> run_alone(double limit) {
    Ran only;
    const Status status = run_all({{command({}, 0), limit}}, 1, kNever,
                                  [&](std::size_t, Ran ran) { only = std::move(ran); });
    if (!status) return status.error();
    if (measure::interrupted_by() != 0) return Error{"interrupted"};
    if (const Status added = add_trace(only, 0); !added) return added.error();
    if (const std::string fault = fault_of_tracer(only); !fault.empty()) return Error{fault};
    runs_++;
    if (only.ended) return only;
    return Error{
        fmt::format("a run in which nothing fails has no end after {:.0f} s ({}); "
                    "--compare-limit=SECONDS gives it more time",
                    limit, only.doing)};
  }

  // What the tool says of the program is true of all runs and is said once.
  static void repeat_own_lines(const std::string& text) {
    for (std::size_t begin = 0; begin < text.size();) {
      const std::size_t end = std::min(text.find('\n', begin), text.size());
      const std::string line = text.substr(begin, end - begin);
      if (line.starts_with(compare::kOwnPrefix)) dprintf(STDERR_FILENO, "%s\n", line.c_str());
      begin = end + 1;
    }
  }

  void list_rows(const Trace& trace, const ErrorChoice& choice) {
    const Options& options = request_.options;
    const Naming naming = naming_for(options.functions, options.breakpoints);
    report_.points = collect_points(trace, naming);
    for (std::size_t i = 0; i < report_.points.size(); i++) {
      const Point& point = report_.points[i];
      const std::vector<std::string> errors = errors_for(point.syscall, choice);
      if (errors.empty())
        report_.rows.push_back({i, "", {Ending::CannotFail, "skipped: it cannot fail", "", 0, {}}});
      for (const std::string& error : errors) {
        Row row{i, error, {Ending::NotRun, "not run", "", 0, {}}};
        if (error == point.error)
          row.verdict = {Ending::FailsAnyway, "skipped: it fails so anyway", "", 0, {}};
        report_.rows.push_back(std::move(row));
      }
    }
  }

  static bool is_wanted(const Row& row, Pass pass) {
    const Ending ending = row.verdict.ending;
    if (pass == Pass::Together) return ending == Ending::NotRun;
    if (pass == Pass::AloneAgain) return ending == Ending::NotReached;
    return ending == Ending::OtherStatus || ending == Ending::OutputDiffers ||
           ending == Ending::NotReached || row.is_bad();
  }

  Status run_rows(Pass pass) {
    std::vector<std::size_t> rows;
    std::vector<Job> jobs;
    for (std::size_t i = 0; i < report_.rows.size(); i++) {
      const Row& row = report_.rows[i];
      if (!is_wanted(row, pass)) continue;
      std::vector<std::string> more{"--inject=" + inject_of(report_, row)};
      if (row.verdict.ending == Ending::Signal) more.emplace_back("--stack-trace");
      jobs.push_back({command(more, jobs.size()), limit_});
      rows.push_back(i);
    }
    Progress progress(jobs.size(), pass == Pass::Together ? "exploring" : "looking again");
    return run_all(jobs, pass == Pass::Together ? width_here() : 1, deadline_,
                   [&](std::size_t number, Ran done) {
                     const Status added = add_trace(done, number);
                     if (!added) done.failure = added.error().message;
                     take(report_.rows[rows[number]], done);
                     progress.step();
                     runs_++;
                   });
  }

  // A program that has crashed once is one that crashes.
  void take(Row& row, const Ran& ran) const {
    Verdict verdict = judge(sound_, ran, report_.points[row.point]);
    if (row.verdict.ending != Ending::Signal)
      row.verdict = std::move(verdict);
    else if (verdict.signal == row.verdict.signal)
      row.verdict.stack = std::move(verdict.stack);
    else
      row.verdict.text += ", not the second time";
  }

  // Others use the machine, too: what a program shows of it may change meanwhile.
  Status look_for_change() {
    const auto differs = [](const Row& row) { return row.verdict.ending == Ending::OutputDiffers; };
    if (measure::interrupted_by() != 0 || measure::now() > deadline_ ||
        std::none_of(report_.rows.begin(), report_.rows.end(), differs))
      return Done{};
    const Result<Ran> last = run_alone(limit_);
    if (measure::interrupted_by() != 0) return Done{};  // what is known is printed
    if (!last) return last.error();
    has_changed_ = (!sound_.out_varies && last->out != sound_.out) ||
                   (!sound_.err_varies && without_own_lines(last->err) != sound_.err);
    return Done{};
  }

  Result<Found> finish() {
    report_.version = request_.version;
    report_.program = request_.options.program;
    report_.options = options_.handed_on;
    report_.facts = facts();
    if (report_.rows.empty())
      say("nothing to explore: no system call was made inside of a selected function; -F, -B and "
          "-e select others");
    if (const Status written = write_report(); !written) return written.error();
    const auto is_bad = [](const Row& row) { return row.is_bad(); };
    const bool bad =
        WIFSIGNALED(sound_.status) || std::any_of(report_.rows.begin(), report_.rows.end(), is_bad);
    if (measure::interrupted_by() != 0) return Found::Interrupted;
    return bad ? Found::SignalOrHang : Found::Nothing;
  }

  [[nodiscard]] std::vector<std::string> facts() const {
    std::vector<std::string> facts;
    facts.push_back(
        fmt::format("{} points; {} runs, {} at a time, in {:.1f} s; a run is killed "
                    "after {:.0f} s",
                    report_.points.size(), runs_, width_here(), measure::now() - begin_, limit_));
    facts.push_back("with no error: " + measure::describe_status(sound_.status));
    if (sound_.out_varies) facts.push_back("its output differs from run to run: not compared");
    if (sound_.err_varies)
      facts.push_back("its error output differs from run to run: not compared");
    if (has_changed_)
      facts.push_back(
          "its output with no error has changed meanwhile: where it differs, that may be why");
    const auto is_left = [](const Row& row) { return row.verdict.ending == Ending::NotRun; };
    const auto left = std::count_if(report_.rows.begin(), report_.rows.end(), is_left);
    if (left > 0)
      facts.push_back(fmt::format("{} rows were not run: {}", left,
                                  measure::interrupted_by() != 0
                                      ? "interrupted"
                                      : "the time for all was over (--compare-limit)"));
    return facts;
  }

  Status write_report() const {
    const bool as_json = request_.options.backends.front() == "json";
    const std::string text = as_json ? json_text(report_) : table_text(report_);
    const std::string& path = request_.options.output;
    if (!path.empty()) return measure::write_file(path, text);
    if (std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0)
      return Done{};
    return Error::from_errno("cannot write the report", errno);
  }

  const Request& request_;
  const ExploreOptions& options_;
  std::string folder_;
  double begin_, deadline_;
  double limit_ = 0;
  bool has_changed_ = false;
  std::size_t runs_ = 0;
  Sound sound_;
  Report report_;
};

}  // namespace

Result<Found> explore(const Request& request) {
  if (const Status able = measure::become_subreaper(); !able) return able.error();
  measure::take_interrupts();
  Result<measure::WorkFolder> folder = measure::WorkFolder::create("wc-explore");
  if (!folder) return folder.error();
  return Exploring(request, folder->path()).run();
}

}  // namespace wc::explore
