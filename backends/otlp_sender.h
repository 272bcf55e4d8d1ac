// The thread that sends batches of spans to a collector, and the queue to it. Who adds never waits:
// what does not fit is dropped and counted.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "otlp_http.h"

namespace wc::backends {

// What follows from an answer, as the specification has it (OTLP/HTTP Response).
enum class NextStep { Done, TryAgain, GiveUp };
NextStep next_step(const HttpAnswer& answer);

// Milliseconds until the next try: twice as long each time, up to 30 s, or what the server has
// asked for; and up to a half more, so that not all come back at once. `random`: 0 to 1.
uint64_t pause_ms(uint32_t failures, uint64_t retry_after_s, double random);

// partialSuccess of an answer that says that all is well.
struct PartialSuccess {
  uint64_t rejected = 0;
  std::string message;
};
PartialSuccess partial_success(const std::string& body);

class OtlpSender {
 public:
  struct Batch {
    std::string body;
    uint64_t spans = 0;
  };
  struct Counts {
    uint64_t sent = 0;      // spans that the receiver has taken
    uint64_t rejected = 0;  // that it has not, of batches that it has
    uint64_t overflowed = 0, failed = 0;
    uint64_t retries = 0;
    std::string why_rejected, why_failed;  // the last reason
  };

  OtlpSender(const OtlpOptions& options, std::unique_ptr<HttpClient> client);
  OtlpSender(const OtlpSender&) = delete;
  OtlpSender& operator=(const OtlpSender&) = delete;
  ~OtlpSender() { finish(); }

  void add(Batch batch);
  // Spans lost so far, for whatever reason.
  [[nodiscard]] uint64_t lost() const { return lost_; }
  // Sends what is left as long as the options say, and ends the thread.
  Counts finish();

 private:
  static constexpr uint64_t kNever = ~uint64_t{0};

  void work();
  void send(const Batch& batch);
  bool pause(uint64_t milliseconds);
  void fail(const Batch& batch, std::string why);
  void take(const Batch& batch, const HttpAnswer& answer);

  const size_t most_waiting_;
  const uint64_t linger_ms_;
  std::unique_ptr<HttpClient> client_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Batch> queue_;
  size_t waiting_ = 0;                     // bytes in the queue
  std::atomic<uint64_t> end_at_ = kNever;  // milliseconds; when nothing is sent any more
  std::atomic<uint64_t> lost_ = 0;
  Counts counts_;
  uint64_t random_;
  std::thread thread_;
};

}  // namespace wc::backends
