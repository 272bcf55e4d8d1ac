#include "otlp_sender.h"

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <utility>

#include "run_clock.h"

namespace wc::backends {

namespace {

constexpr uint64_t kFirstPause = 1000, kLongestPause = 30'000;  // ms
constexpr uint64_t kLongestForABatch = 300'000;                 // ms, with all its tries
constexpr size_t kLongestReason = 200;

std::string reason_of(const HttpAnswer& answer) {
  return answer.status != 0 ? "HTTP status " + std::to_string(answer.status) : answer.error;
}

}  // namespace

NextStep next_step(const HttpAnswer& answer) {
  if (answer.status >= 200 && answer.status < 300) return NextStep::Done;
  switch (answer.status) {
    case 0:  // no connection, no answer in time
    case 429:
    case 502:
    case 503:
    case 504:
      return NextStep::TryAgain;
    default:
      return NextStep::GiveUp;
  }
}

uint64_t pause_ms(uint32_t failures, uint64_t retry_after_s, double random) {
  uint64_t pause = kFirstPause << std::min<uint32_t>(failures, 5);
  pause = std::min(pause, kLongestPause);
  if (retry_after_s != 0) pause = std::min<uint64_t>(retry_after_s, 3600) * 1000;
  return pause +
         static_cast<uint64_t>(random * static_cast<double>(std::min(pause, kLongestPause)) / 2);
}

// An answer that cannot be read says nothing: the receiver has the spans all the same.
PartialSuccess partial_success(const std::string& body) {
  PartialSuccess result;
  const auto answer = nlohmann::json::parse(body, nullptr, false);
  if (!answer.is_object() || !answer.contains("partialSuccess")) return result;
  const auto& partial = answer["partialSuccess"];
  if (!partial.is_object()) return result;
  if (const auto count = partial.find("rejectedSpans"); count != partial.end()) {
    if (count->is_number_unsigned()) result.rejected = count->get<uint64_t>();
    if (count->is_string())  // an int64, which JSON of protobuf has as a text
      result.rejected = std::strtoull(count->get_ref<const std::string&>().c_str(), nullptr, 10);
  }
  if (const auto text = partial.find("errorMessage"); text != partial.end() && text->is_string())
    result.message = text->get<std::string>();
  return result;
}

OtlpSender::OtlpSender(const OtlpOptions& options, std::unique_ptr<HttpClient> client)
    : most_waiting_(options.queue),
      linger_ms_(options.linger_ms),
      client_(std::move(client)),
      random_(monotonic_ms() * 2654435761 + static_cast<uint64_t>(getpid())) {
  // The tracer's signals are for its own threads.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  thread_ = std::thread([this] { work(); });
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

void OtlpSender::add(Batch batch) {
  if (batch.spans == 0) return;
  const std::lock_guard lock(mutex_);
  if (waiting_ + batch.body.size() > most_waiting_) {
    counts_.overflowed += batch.spans;
    lost_ += batch.spans;
    return;
  }
  waiting_ += batch.body.size();
  queue_.push_back(std::move(batch));
  changed_.notify_all();
}

OtlpSender::Counts OtlpSender::finish() {
  if (thread_.joinable()) {
    {
      const std::lock_guard lock(mutex_);
      end_at_ = monotonic_ms() + linger_ms_;
    }
    changed_.notify_all();
    client_->wake();
    thread_.join();
  }
  return counts_;
}

void OtlpSender::work() {
  while (true) {
    Batch batch;
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] { return !queue_.empty() || end_at_ != kNever; });
      if (queue_.empty()) return;
      batch = std::move(queue_.front());
      queue_.pop_front();
    }
    send(batch);
    const std::lock_guard lock(mutex_);
    waiting_ -= batch.body.size();
  }
}

void OtlpSender::send(const Batch& batch) {
  const uint64_t began = monotonic_ms();
  std::string why = "no time was left at the end of the run";
  for (uint32_t failures = 0; monotonic_ms() < end_at_; ++failures) {
    const HttpAnswer answer = client_->post(
        batch.body, [](void* self) { return static_cast<OtlpSender*>(self)->end_at_.load(); },
        this);
    const NextStep next = next_step(answer);
    if (next == NextStep::Done) return take(batch, answer);
    why = reason_of(answer);
    if (next == NextStep::GiveUp) break;
    random_ = random_ * 6364136223846793005 + 1442695040888963407;
    const double random = static_cast<double>(random_ >> 11) * 0x1p-53;
    const uint64_t wait = pause_ms(failures, answer.retry_after_s, random);
    if (monotonic_ms() + wait > began + kLongestForABatch || !pause(wait)) break;
    const std::lock_guard lock(mutex_);
    ++counts_.retries;
  }
  fail(batch, std::move(why));
}

// False: the run ends before.
bool OtlpSender::pause(uint64_t milliseconds) {
  const uint64_t until = monotonic_ms() + milliseconds;
  std::unique_lock lock(mutex_);
  while (true) {
    const uint64_t now = monotonic_ms();
    if (until > end_at_) return false;
    if (now >= until) return true;
    changed_.wait_for(lock, std::chrono::milliseconds(until - now));
  }
}

void OtlpSender::fail(const Batch& batch, std::string why) {
  const std::lock_guard lock(mutex_);
  counts_.failed += batch.spans;
  counts_.why_failed = std::move(why);
  lost_ += batch.spans;
}

void OtlpSender::take(const Batch& batch, const HttpAnswer& answer) {
  PartialSuccess partial = partial_success(answer.body);
  const uint64_t rejected = std::min(partial.rejected, batch.spans);
  const std::lock_guard lock(mutex_);
  counts_.sent += batch.spans - rejected;
  counts_.rejected += rejected;
  lost_ += rejected;
  // Without rejected spans the message is a warning.
  if (!partial.message.empty()) counts_.why_rejected = partial.message.substr(0, kLongestReason);
}

}  // namespace wc::backends
