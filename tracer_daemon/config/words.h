// Small text helpers for messages: everything printed is one line, whatever was typed.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/text.h"

namespace wc::config {

using wc::printable;

// printable() in single quotes, shortened with "..." when it is long.
std::string in_quotes(std::string_view text);

// The candidate that `wrong` was probably meant to be, or empty when none is near.
std::string_view closest_word(std::string_view wrong, std::span<const std::string_view> candidates);

// "; did you mean NAME?", or "; valid: A, B, C" when none is near. The names are written in
// `shape`, a format such as "[{}]".
std::string suggestion(std::string_view wrong, std::span<const std::string_view> candidates,
                       std::string_view shape = "{}");

// The pieces between any of the separators, empty ones left out.
std::vector<std::string_view> split_words(std::string_view text, std::string_view separators);

}  // namespace wc::config
