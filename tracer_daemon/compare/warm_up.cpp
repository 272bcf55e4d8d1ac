#include "compare/warm_up.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <vector>

#include "compare/words.h"

namespace wc::compare {
namespace {

using measure::describe_status;

constexpr std::size_t kTail = 300;

off_t size_of(int fd) {
  struct stat status {};
  return fstat(fd, &status) == 0 ? status.st_size : 0;
}

// The first byte in which they differ, or nothing.
std::optional<off_t> first_difference(int a, int b) {
  constexpr std::size_t kBlock = 1 << 16;
  std::vector<char> left(kBlock), right(kBlock);
  for (off_t at = 0;;) {
    const ssize_t n = pread(a, left.data(), kBlock, at);
    const ssize_t m = pread(b, right.data(), kBlock, at);
    const auto common = std::max<ptrdiff_t>(0, std::min(n, m));
    const auto differs = std::mismatch(left.begin(), left.begin() + common, right.begin()).first;
    if (differs != left.begin() + common || n != m) return at + (differs - left.begin());
    if (n <= 0) return {};
    at += n;
  }
}

// bpftrace ends with empty lines of its own on the program's standard output.
bool only_newlines(int fd, off_t from) {
  constexpr std::size_t kMost = 16;
  char text[kMost + 1];
  const ssize_t n = pread(fd, text, sizeof text, from);
  return n >= 0 && n <= static_cast<ssize_t>(kMost) &&
         std::all_of(text, text + n, [](char c) { return c == '\n'; });
}

// What a tool said last, in one line; our own name is left out where it says that itself.
std::string last_words(int fd) {
  std::string text = measure::one_line(measure::tail_of(fd, kTail));
  const std::size_t begin = text.rfind(kOwnPrefix);
  return begin == std::string::npos ? text : text.substr(begin);
}

}  // namespace

Result<WarmUp::Run> WarmUp::run(const measure::Variant& variant, std::size_t index) {
  Result<ScopedFd> out = measure::temporary_file();
  Result<ScopedFd> err = measure::temporary_file();
  if (!out) return out.error();
  if (!err) return err.error();
  row_.variants.assign(index + 1, variant);
  const bool figure = row_.figure && !row_.load;
  const measure::Capture capture{{out->get(), figure ? out->get() : err->get()},
                                 figure ? out->get() : -1};
  Result<measure::Sample> sample = take_sample(row_, index, capture, limit_);
  return Run{std::move(sample), std::move(*out), std::move(*err)};
}

Status WarmUp::native(const measure::Variant& variant) {
  Result<Run> first = run(variant, 0);
  if (!first) return first.error();
  if (!first->sample) return first->sample.error();
  native_seconds_ = first->sample->wall;
  native_status_ = first->sample->status;
  native_out_ = std::move(first->out);
  if (!is_output_checked()) return Done{};
  Result<Run> second = run(variant, 0);
  if (!second) return second.error();
  if (!second->sample) return second->sample.error();
  native_seconds_ = std::max(native_seconds_, second->sample->wall);
  if (second->sample->status != native_status_) {
    return Error{fmt::format("ends in one way and another: {}, then {}; nothing can be compared",
                             describe_status(native_status_),
                             describe_status(second->sample->status))};
  }
  output_varies_ = first_difference(native_out_.get(), second->out.get()).has_value();
  return Done{};
}

TraceCount WarmUp::other(Entry& entry) {
  measure::Variant variant = entry.variant;
  if (!entry.first_command.empty()) variant.command = entry.first_command;
  Result<Run> done = run(variant, 1);
  entry.failure = done ? judge(*done, entry) : done.error().message;
  TraceCount count;
  if (entry.failure.empty()) count = count_trace(entry.count_file, entry.format);
  entry.seen = count.seen;
  unlink(entry.count_file.c_str());
  unlink(entry.variant.trace_file.c_str());
  return count;
}

std::string WarmUp::judge(const Run& run, const Entry& entry) const {
  const std::string said = last_words(run.err.get());
  const std::string tail = said.empty() ? "" : ": " + said;
  if (!run.sample) {
    return run.sample.error().message + tail;
  }
  if (row_.load) return {};
  const std::string fault = measure::fault_of_status(*run.sample, entry.variant, native_status_);
  if (!fault.empty()) return fault + tail;
  if (!is_output_checked() || output_varies_) return {};
  const auto difference = first_difference(native_out_.get(), run.out.get());
  if (!difference ||
      (entry.format == TraceFormat::Bpftrace && only_newlines(run.out.get(), *difference)))
    return {};
  return fmt::format("the program's output differs from native's at byte {} ({} bytes, native: {})",
                     *difference, size_of(run.out.get()), size_of(native_out_.get()));
}

}  // namespace wc::compare
