// The view's connections to the tracer: what it is subscribed to, and what it asks.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "top/link.h"
#include "top/model.h"
#include "top/options.h"

namespace wc::top {

class Subscriber {
 public:
  Subscriber(Model& model, const TopOptions& options) : model_(model), options_(options) {}

  Status connect(const std::string& path);
  [[nodiscard]] bool is_connected() const { return main_ != nullptr; }
  // Whether the tracer has ever sent something.
  [[nodiscard]] bool has_been_connected() const { return has_answered_; }
  // Whether the last line has come.
  [[nodiscard]] bool has_ended() const { return has_ended_; }

  [[nodiscard]] std::vector<int> descriptors() const;
  void receive();
  // Of a tracer that is no more.
  void receive_rest();

  void ask(const std::string& request);
  void perform(const Effect& effect);

 private:
  std::unique_ptr<Link> subscribe(const std::string& words);
  bool receive(Link& link, bool is_main);
  void on_answer(const std::string& request, const Answer& answer, bool is_main);
  void on_line(const std::string& line, bool is_main);
  void on_gone();

  Model& model_;
  const TopOptions& options_;
  std::string path_;
  // Function, system call and thread; if it goes, the tracer has.
  std::unique_ptr<Link> main_;
  std::vector<std::unique_ptr<Link>> tables_;
  std::unique_ptr<Link> recent_, asks_;
  bool has_answered_ = false, has_ended_ = false;
};

}  // namespace wc::top
