// The terminal, by ncursesw. Whoever leaves puts it back as it was.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "base/result.h"
#include "top/model.h"
#include "top/view.h"

namespace wc::top {

class Terminal {
 public:
  // Errors: no terminal, or one that cannot be drawn on.
  static Result<std::unique_ptr<Terminal>> open();
  ~Terminal();
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;

  void show(const std::vector<Line>& lines);
  [[nodiscard]] Size size() const;
  void adopt_size();  // after SIGWINCH
  std::optional<Key> next_key();
  // The window is gone, or was closed by the other side.
  [[nodiscard]] bool is_gone() const { return is_gone_; }

  void leave();    // as it was before; show() comes back
  void repaint();  // whatever is on it

 private:
  Terminal() = default;
  void choose_styles();
  unsigned styles_[7] = {};
  bool is_gone_ = false;
};

}  // namespace wc::top
