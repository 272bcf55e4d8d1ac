#include "measure/server.h"

#include <fmt/format.h>
#include <sys/wait.h>

#include <algorithm>
#include <csignal>

#include "measure/process_tree.h"

namespace wc::measure {
namespace {

constexpr double kLookAgain = 0.01;  // seconds; nothing tells us when a socket begins to listen
constexpr double kAnswer = 5;        // for a command that asks whether the server is ready
constexpr double kGrace = 5;         // to end by SIGTERM

std::vector<std::string> shell(const std::string& command) { return {"/bin/sh", "-c", command}; }

Result<Outcome> run_beside(Child& server, const std::string& command, Streams streams,
                           double limit) {
  Result<Child> child = Child::start(shell(command), streams);
  if (!child) return child.error();
  child->wait(limit);
  // The server is below us, too: what the command leaves behind goes when the server has gone.
  const Outcome outcome = child->finish(Strays::Leave);
  server.leave_out(outcome.cpu);
  return outcome;
}

Status wait_until_ready(Child& server, Leader leader, const Load& load, double end) {
  while (!server.wait(kLookAgain)) {
    if (interrupted_by() != 0) return Error{"interrupted"};
    if (now() > end) {
      return Error{load.ready.empty() ? "listens on no socket within the limit"
                                      : "not ready within the limit"};
    }
    if (load.ready.empty()) {
      if (listens(program_below(server.pid(), leader == Leader::Program))) return Done{};
      continue;
    }
    const Result<Outcome> asked =
        run_beside(server, load.ready, Streams{}, std::min(kAnswer, end - now()));
    if (!asked) return asked.error();
    if (asked->ended && asked->status == 0) return Done{};
  }
  return Error{"ended before it was ready"};
}

// The program is asked, not the tool: it ends the better for it, and the tool with it.
void ask_to_end(Child& server, Leader leader) {
  for (const pid_t pid : program_below(server.pid(), leader == Leader::Program)) {
    kill(pid, SIGTERM);
  }
  server.wait(kGrace);
}

}  // namespace

Result<LoadOutcome> run_under_load(const std::vector<std::string>& command, Leader leader,
                                   const Load& load, Streams streams, double limit) {
  const double end = now() + limit;
  const Result<ScopedFd> said = temporary_file();
  if (!said) return said.error();
  Result<Child> server = Child::start(command, streams);
  if (!server) return server.error();
  const Status ready = wait_until_ready(*server, leader, load, end);
  if (!ready) {
    const Outcome outcome = server->finish(Strays::Kill);
    if (!outcome.ended) return ready.error();
    return Error{fmt::format("{} ({})", ready.error().message, describe_status(outcome.status))};
  }
  const Streams load_streams{said->get(), said->get()};
  const Result<Outcome> loaded =
      run_beside(*server, load.command, load_streams, std::max(0.0, end - now()));
  ask_to_end(*server, leader);
  LoadOutcome outcome{server->finish(Strays::Kill), content_of(said->get())};
  if (!loaded) return loaded.error();
  if (!loaded->ended) return Error{fmt::format("the load did not end within {:.0f} s", limit)};
  if (loaded->status != 0) {
    return Error{fmt::format("the load failed: {}: {}", describe_status(loaded->status),
                             one_line(tail_of(said->get(), kShownTail)))};
  }
  outcome.run.wall = loaded->wall;
  outcome.run.ended = true;
  return outcome;
}

}  // namespace wc::measure
