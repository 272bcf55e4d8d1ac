#include "program/unwrapped.h"

#include <algorithm>

namespace wc {
namespace {

constexpr size_t kMaxNamed = 8;
constexpr size_t kMaxKinds = 1000;  // a run may start programs for ever

// Paths are the program's: nothing in them may reach a terminal as it is.
std::string printable(const std::string& path) {
  constexpr const char* kDigits = "0123456789abcdef";
  std::string text;
  for (unsigned char c : path) {
    if (c >= ' ' && c != 0x7f)
      text += static_cast<char>(c);
    else
      (text += "\\x") += {kDigits[c >> 4], kDigits[c & 15]};
  }
  return text;
}

std::string shorten(const std::string& reason) {
  std::string text = reason.substr(0, reason.find(';'));
  return text.starts_with("is ") ? text.substr(3) : text;
}

}  // namespace

void Unwrapped::note(const std::string& path, const std::string& reason) {
  count_++;
  auto key = std::pair(path, shorten(reason));
  if (auto known = places_.find(key); known != places_.end()) {
    kinds_[known->second].count++;
  } else if (kinds_.size() < kMaxKinds) {
    kinds_.push_back({key.first, key.second, 1});
    places_.emplace(std::move(key), kinds_.size() - 1);
  }
}

std::string Unwrapped::summary() const {
  if (count_ == 0) return {};
  std::string text = count_ == 1 ? "1 program was not wrapped: "
                                 : std::to_string(count_) + " programs were not wrapped: ";
  size_t told = 0;
  for (size_t i = 0; i < std::min(kinds_.size(), kMaxNamed); i++) {
    const Kind& kind = kinds_[i];
    told += kind.count;
    text += (i == 0 ? "" : ", ") + printable(kind.path) + " (" + kind.reason + ")";
    if (kind.count > 1) text += " x" + std::to_string(kind.count);
  }
  if (told < count_) text += " and " + std::to_string(count_ - told) + " more";
  return text;
}

}  // namespace wc
