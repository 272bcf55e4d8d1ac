// What is said to backend "otlp": its options, and OpenTelemetry's environment variables.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "otlp_trace.h"
#include "sink.h"

namespace wc::backends {

enum class SyscallsAs { Spans, Events, Attributes };

struct OtlpOptions {
  using Pairs = std::vector<std::pair<std::string, std::string>>;

  std::string url;  // of the traces; empty: only a file is written
  bool has_file = false;
  std::string service;  // empty: after the program
  Pairs attributes;     // of the resource
  Pairs headers;        // of requests
  double ratio = 1;
  SyscallsAs syscalls = SyscallsAs::Spans;
  bool trace_each_call = false;
  bool is_compressed = true;
  uint32_t batch = 512;               // spans
  uint64_t delay_ns = 5'000'000'000;  // that a span waits for others
  size_t queue = size_t{16} << 20;    // bytes
  uint64_t timeout_ms = 10'000;       // of one request
  uint64_t linger_ms = 5'000;         // at the end, for what has not been sent
  std::optional<TraceParent> parent;

  // False: `error` says why.
  bool read(const Sink& sink, std::string& error);
};

inline constexpr char kOtlpOptionNames[] =
    "endpoint service ratio syscalls trace compression batch delay queue timeout linger";

}  // namespace wc::backends
