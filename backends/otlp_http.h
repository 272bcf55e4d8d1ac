// One HTTP request after another to the same place, by libcurl, which is loaded when it is needed:
// linking it would cost each start of the tracer thirty libraries.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "otlp_options.h"

namespace wc::backends {

struct HttpAnswer {
  int status = 0;              // 0: there was none
  uint64_t retry_after_s = 0;  // 0: the server has not said
  std::string body;            // the first 64 KiB
  std::string error;           // why there was none
};

class HttpClient {
 public:
  // Null: `error` says why.
  static std::unique_ptr<HttpClient> open(const OtlpOptions& options, std::string_view version,
                                          std::string& error);
  HttpClient() = default;
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;
  virtual ~HttpClient() = default;

  // Waits for the answer, at most as long as the options say, or until abort_at(CLOCK_MONOTONIC,
  // milliseconds), which is asked again after wake().
  virtual HttpAnswer post(std::string_view body, uint64_t (*abort_at)(void*), void* context) = 0;
  // From any thread.
  virtual void wake() = 0;
};

// Whether bytes could be compressed; `out` has them then.
bool gzip(std::string_view bytes, std::string& out);

}  // namespace wc::backends
