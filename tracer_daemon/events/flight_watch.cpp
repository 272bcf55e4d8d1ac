#include "events/flight_watch.h"

#include <fmt/format.h>
#include <sys/wait.h>

#include <cstring>

#include "backend_host/output.h"
#include "events/tick_clock.h"

namespace wc {
namespace {

constexpr unsigned kMostFiles = 100;        // of one run
constexpr uint64_t kPause = 1'000'000'000;  // between two that system calls are the reason of

}  // namespace

void FlightWatch::begin(const FlightOptions& options, const Tape* tape, std::string head) {
  options_ = options;
  tape_ = tape;
  head_ = std::move(head);
}

void FlightWatch::started(pid_t pid) {
  if (first_ == 0) first_ = pid;
}

void FlightWatch::exited(pid_t pid, int status) {
  if (!is_on() || pid != first_) return;
  if (options_.on_signal && WIFSIGNALED(status))
    note(fmt::format("the program was killed by SIG{}", sigabbrev_np(WTERMSIG(status))));
  else if (options_.on_exit && WIFEXITED(status) && WEXITSTATUS(status) != 0)
    note(fmt::format("the program has ended with status {}", WEXITSTATUS(status)));
}

bool FlightWatch::is_reason(const wc_syscall& event) const {
  return (options_.slow != 0 && event.dur >= options_.slow) ||
         (event.error != 0 && options_.errors.contains(event.error)) ||
         (options_.on_rule && event.injected != nullptr);
}

std::string FlightWatch::reason_of(const wc_syscall& event) {
  return fmt::format("{} in {}", event.name,
                     event.function != nullptr ? event.function : "no call");
}

// A system call that fails again and again fills no disk.
void FlightWatch::note(std::string why) {
  const uint64_t now = TickClock::now();
  if (!due_.empty() || (last_ != 0 && now < last_ + kPause && files_ != 0)) return;
  last_ = now;
  due_ = std::move(why);
}

void FlightWatch::settle() {
  if (due_.empty() || tape_->is_open()) return;
  write_own(std::exchange(due_, {}));
}

Status FlightWatch::write(const std::string& path) const {
  if (!is_on()) return Error{"there is no flight recorder: start the run with --flight"};
  auto file = Output::open_file(path);
  if (!file) return file.error();
  raw::Writer writer([&](const void* data, size_t size) {
    (*file)->write({static_cast<const char*>(data), size});
  });
  wc_raw head{};
  head.kind = WC_RAW_RUN;
  head.data = head_.data();
  head.size = head_.size();
  writer.take(head);
  const uint64_t now = TickClock::now();
  tape_->flight()->write(writer, now);
  writer.finish(options_.began, now);
  (*file)->close();
  if (std::string error = (*file)->take_error(); !error.empty()) return Error{error};
  return Done{};
}

void FlightWatch::write_own(const std::string& why) {
  if (files_ >= kMostFiles) return;
  const std::string path =
      files_ == 0 ? options_.file : fmt::format("{}.{}", options_.file, files_ + 1);
  files_++;
  const Status written = write(path);
  options_.say(written ? fmt::format("flight recorder: {}: the last events are in {}", why, path)
                       : fmt::format("flight recorder: {}: {}", why, written.error().message));
  if (files_ == kMostFiles)
    options_.say(fmt::format("flight recorder: {} files are enough; no more are written", files_));
}

}  // namespace wc
