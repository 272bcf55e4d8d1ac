#include "startup.h"

#include <algorithm>

#include "escape.h"

namespace wc::backends {

namespace {

bool is_open(std::string_view syscall) {
  return syscall == "openat" || syscall == "open" || syscall == "openat2";
}

}  // namespace

void Startup::book(Span& span, const Name* library, uint64_t until) {
  Counts& counts = libraries_[span.phase][library];
  counts.syscalls += span.counts.syscalls;
  counts.own += span.counts.syscalls;
  counts.errors += span.counts.errors;
  counts.syscall_ns += span.counts.syscall_ns;
  counts.ns += until - std::min(until, span.since);
  span = {.phase = span.phase, .since = until, .library = nullptr, .counts = {}};
}

// What belongs to no library: behind the last one that was opened, ld.so relocates all of them.
const Name* Startup::rest_of(const Span& span) {
  if (span.library != nullptr) return span.library;
  return names_.find_or_add(span.phase == kLoader ? "relocation" : "ld.so");
}

void Startup::enter(int32_t pid, Phase phase, std::string_view library, uint64_t ts) {
  if (const auto found = spans_.find(pid); found != spans_.end()) {
    book(found->second, rest_of(found->second), ts);
    spans_.erase(found);
  }
  if (phase != kLoader && phase != kConstructors) return;
  const Name* name = library.empty() ? nullptr : names_.find_or_add(basename_of(library));
  spans_[pid] = {.phase = phase, .since = ts, .library = name, .counts = {}};
}

void Startup::syscall(const wc_syscall& event, Phase phase) {
  const auto found = spans_.find(event.pid);
  if (found == spans_.end() || found->second.phase != phase) return;
  Span& span = found->second;
  span.counts.add_syscall(event.dur, event.error != 0);
  if (phase != kLoader || event.error != 0) return;
  const std::string_view name = view(event.name);
  if (is_open(name) && event.path != nullptr)
    span.library = names_.find_or_add(basename_of(event.path));
  if (name == "close" && span.library != nullptr) book(span, span.library, event.ts + event.dur);
}

}  // namespace wc::backends
