// Draws a model into a screen of any size: lines of styled text, which a terminal then shows.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "top/model.h"

namespace wc::top {

enum class Style : uint8_t { Plain, Title, Heading, Selected, Error, Dim, Key };

struct Span {
  std::string text;  // cleaned
  Style style = Style::Plain;
};
using Line = std::vector<Span>;

struct Size {
  size_t width = 80, height = 24;
};

// Exactly `height` lines, none wider than `width`.
std::vector<Line> draw(const Model& model, Size size);

// Rows of a table that fit.
size_t rows_that_fit(const Model& model, Size size);

std::string plain_text(const Line& line);

}  // namespace wc::top
