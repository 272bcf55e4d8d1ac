// Where calls were made, as claims name it: "main at hello.c:9".
#pragma once

#include <string>
#include <string_view>
#include <unordered_set>

#include "wc_backend.h"

namespace wc {

// Each place exists once, so its address stands for it. A program can make up callers: what comes
// after the first 16,384 is one place.
class ClaimPlaces {
 public:
  const std::string* find_or_add(const wc_caller& caller);
  [[nodiscard]] const std::string* outside() const { return &outside_; }

 private:
  std::unordered_set<std::string> places_;
  std::string scratch_;
  const std::string other_ = "other places";
  const std::string outside_ = "outside of every call";
};

}  // namespace wc
