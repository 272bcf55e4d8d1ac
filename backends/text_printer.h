// How a line of backend "text" looks: prefix and time stamp before it, its caller aligned behind
// it, colours.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "sink.h"
#include "text_options.h"
#include "text_thread.h"
#include "text_time.h"

namespace wc::backends {

class TextPrinter {
 public:
  TextPrinter(const wc_host& host, const TextOptions& options)
      : sink_(host), options_(options), stamps_(host) {}

  [[nodiscard]] const wc_host& host() const { return sink_.host(); }
  // Lines have the id of their thread from now on.
  void show_threads() { shows_threads_ = true; }

  void print(int32_t tid, const TextThread& lines, const TextLine& line);
  void print_unfinished(int32_t tid, const TextThread::Pending& syscall);
  void send() { sink_.send(); }

 private:
  enum class Style : uint8_t { Plain, Prefix, Call, Syscall, Failure, Note, Caller };

  void begin(int32_t tid, uint64_t ts);
  void append_head(const TextLine& line, std::string_view head);
  void append(std::string_view text, Style style = Style::Plain);
  void append_caller(std::string_view caller);
  [[nodiscard]] size_t caller_column(size_t caller_size) const;

  Sink sink_;
  TextOptions options_;
  TimeStamps stamps_;
  std::string stamp_;  // reused
  size_t width_ = 0;   // of the line so far, as it is seen
  bool shows_threads_ = false;
};

}  // namespace wc::backends
