// Trace contexts: who is whose parent, and which traces are kept. Pure.
//
// Whether a trace is kept follows from its id alone (OpenTelemetry's consistent probability
// sampling: the last 56 bits against a threshold), so all processes and tools that take part in a
// trace decide alike.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace wc::backends {

struct TraceId {
  uint64_t high = 0, low = 0;
};

// https://www.w3.org/TR/trace-context/: the environment variable TRACEPARENT has the header's form.
struct TraceParent {
  TraceId trace;
  uint64_t span = 0;
  bool is_sampled = false;
};
std::optional<TraceParent> parse_traceparent(std::string_view text);

void append_hex(std::string& out, uint64_t value);  // 16 lower-case digits

// Ids that look random and are unique for each number below 2^64; never 0.
class IdSource {
 public:
  IdSource();
  [[nodiscard]] uint64_t span(uint64_t number) const;
  [[nodiscard]] TraceId trace(uint64_t number) const;

 private:
  uint64_t seed_[3];
};

class Sampler {
 public:
  // `ratio`: above 0, at most 1.
  explicit Sampler(double ratio);
  [[nodiscard]] bool takes(const TraceId& trace) const;
  // "ot=th:c": the threshold, by which a store knows what a span stands for. Empty: all are taken.
  [[nodiscard]] const std::string& state() const { return state_; }

 private:
  uint64_t threshold_ = 0;  // of 2^56
  std::string state_;
};

}  // namespace wc::backends
