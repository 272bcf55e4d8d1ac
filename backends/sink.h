// A backend's way out: its host, and one buffer that is used again and again.
#pragma once

#include <string>
#include <string_view>

#include "escape.h"
#include "wc_backend.h"

namespace wc::backends {

class Sink {
 public:
  explicit Sink(const wc_host& host) : host_(&host) {}

  [[nodiscard]] const wc_host& host() const { return *host_; }
  [[nodiscard]] std::string_view option(const char* key) const {
    return host_->option != nullptr ? view(host_->option(host_->handle, key)) : "";
  }

  // Build whole lines here, then send(): what is sent at once is not torn apart by
  // another backend that writes to the same place.
  std::string& buffer() { return buffer_; }
  void send() {
    if (!buffer_.empty()) host_->write(host_->handle, buffer_.data(), buffer_.size());
    buffer_.clear();
  }

 private:
  const wc_host* host_;  // valid until close()
  std::string buffer_;
};

// A message for the user, cut to what the host has room for.
inline int open_error(char* error, size_t size, std::string_view message) {
  if (size == 0) return -1;
  const size_t length = message.copy(error, size - 1);
  error[length] = '\0';
  return -1;
}

}  // namespace wc::backends
