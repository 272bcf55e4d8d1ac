// A value or an error, for everything a user or the kernel can cause.
// Errors carry errno (0 when there is none) and one line that says what was
// tried, on what, and what to do. Programmer errors abort instead.
#pragma once

#include <cstring>
#include <string>
#include <utility>
#include <variant>

namespace wc {

struct Error {
  std::string message;  // complete line without the "wc-preload: " prefix and without newline
  int code = 0;         // errno, or 0

  // "what: strerror(code)", the usual shape for a failed system call.
  static Error from_errno(std::string what, int code) {
    return Error{std::move(what) + ": " + std::strerror(code), code};
  }
};

template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::move(value)) {}      // NOLINT: implicit by design
  Result(Error error) : state_(std::move(error)) {}  // NOLINT: implicit by design

  [[nodiscard]] bool ok() const { return std::holds_alternative<T>(state_); }
  explicit operator bool() const { return ok(); }
  T& value() { return std::get<T>(state_); }
  const T& value() const { return std::get<T>(state_); }
  T& operator*() { return value(); }
  const T& operator*() const { return value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }
  [[nodiscard]] const Error& error() const { return std::get<Error>(state_); }

 private:
  std::variant<T, Error> state_;
};

struct Done {};
using Status = Result<Done>;

}  // namespace wc
