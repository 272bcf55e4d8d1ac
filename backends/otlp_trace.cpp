#include "otlp_trace.h"

#include <sys/random.h>

#include <cmath>

#include "run_clock.h"

namespace wc::backends {

namespace {

constexpr uint64_t kRandomBits = (uint64_t{1} << 56) - 1;

// Lower-case digits only, as the specification has it; nothing where one is something else.
std::optional<uint64_t> parse_hex(std::string_view digits) {
  uint64_t value = 0;
  for (const char c : digits) {
    const bool is_letter = c >= 'a' && c <= 'f';
    if (!is_letter && (c < '0' || c > '9')) return std::nullopt;
    value = value << 4 | static_cast<uint64_t>(is_letter ? c - 'a' + 10 : c - '0');
  }
  return value;
}

// splitmix64: a bijection, so different numbers have different ids.
uint64_t mix(uint64_t value) {
  value += 0x9e3779b97f4a7c15;
  value = (value ^ value >> 30) * 0xbf58476d1ce4e5b9;
  value = (value ^ value >> 27) * 0x94d049bb133111eb;
  return value ^ value >> 31;
}

uint64_t nonzero(uint64_t value) { return value != 0 ? value : 1; }

}  // namespace

std::optional<TraceParent> parse_traceparent(std::string_view text) {
  // 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01; a later version may have more behind.
  constexpr size_t kLength = 55;
  if (text.size() < kLength || text[2] != '-' || text[35] != '-' || text[52] != '-')
    return std::nullopt;
  const auto version = parse_hex(text.substr(0, 2)), flags = parse_hex(text.substr(53, 2));
  const auto high = parse_hex(text.substr(3, 16)), low = parse_hex(text.substr(19, 16));
  const auto span = parse_hex(text.substr(36, 16));
  if (!version || !flags || !high || !low || !span || *version == 0xff) return std::nullopt;
  if (text.size() > kLength && (*version == 0 || text[kLength] != '-')) return std::nullopt;
  if ((*high | *low) == 0 || *span == 0) return std::nullopt;
  return TraceParent{{*high, *low}, *span, (*flags & 1) != 0};
}

void append_hex(std::string& out, uint64_t value) {
  static constexpr char kDigits[] = "0123456789abcdef";
  for (int shift = 60; shift >= 0; shift -= 4) out += kDigits[value >> shift & 15];
}

IdSource::IdSource() {
  if (getrandom(seed_, sizeof seed_, 0) == static_cast<ssize_t>(sizeof seed_)) return;
  const uint64_t now = clock_ns(CLOCK_REALTIME);
  for (uint64_t& seed : seed_) seed = mix(now + reinterpret_cast<uintptr_t>(&seed));
}

uint64_t IdSource::span(uint64_t number) const { return nonzero(mix(seed_[0] + number)); }

TraceId IdSource::trace(uint64_t number) const {
  return {nonzero(mix(seed_[1] + number)), nonzero(mix(seed_[2] + number))};
}

Sampler::Sampler(double ratio) {
  if (ratio >= 1) return;
  threshold_ = static_cast<uint64_t>(std::llround((1 - ratio) * 0x1p56));
  if (threshold_ > kRandomBits) threshold_ = kRandomBits;
  std::string digits;
  append_hex(digits, threshold_);
  digits.erase(0, 2);  // of 56 bits; zeros at the end say nothing
  while (digits.size() > 1 && digits.back() == '0') digits.pop_back();
  state_ = "ot=th:" + digits;
}

bool Sampler::takes(const TraceId& trace) const { return (trace.low & kRandomBits) >= threshold_; }

}  // namespace wc::backends
