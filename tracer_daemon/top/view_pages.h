// The pages between head and foot.
#pragma once

#include <vector>

#include "top/model.h"
#include "top/view.h"

namespace wc::top {

// At most size.height lines, which may be wider than the screen.
std::vector<Line> draw_page(const Model& model, Size size);
// Headings of the page.
size_t lines_above_rows(const Model& model);

}  // namespace wc::top
