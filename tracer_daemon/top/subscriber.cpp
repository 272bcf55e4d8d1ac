#include "top/subscriber.h"

#include <fmt/format.h>

#include <algorithm>

namespace wc::top {

namespace {
constexpr int kRecent = 200, kRecentOfAll = 1000;  // system calls
}

Status Subscriber::connect(const std::string& path) {
  path_ = path;
  auto link = Link::connect(path);
  if (!link) return link.error();
  main_ = std::make_unique<Link>(std::move(*link));
  const bool asked =
      main_->ask(fmt::format("subscribe interval={} by=function,syscall,thread top={}",
                             model_.state().interval_ms, options_.rows));
  if (!asked) {
    main_.reset();
    return Error{"the tracer at " + path + " does not read"};
  }
  return Done{};
}

std::unique_ptr<Link> Subscriber::subscribe(const std::string& words) {
  if (!main_) return nullptr;
  auto link = Link::connect(path_);
  const std::string request =
      fmt::format("subscribe interval={} {}", model_.state().interval_ms, words);
  if (link && link->ask(request)) return std::make_unique<Link>(std::move(*link));
  model_.say(link ? "the tracer does not read" : link.error().message, true);
  return nullptr;
}

std::vector<int> Subscriber::descriptors() const {
  std::vector<int> all;
  for (const auto* link : {&main_, &recent_, &asks_})
    if (*link) all.push_back((*link)->fd());
  for (const auto& link : tables_) all.push_back(link->fd());
  return all;
}

bool Subscriber::receive(Link& link, bool is_main) {
  return link.receive({[&](const std::string& request, const Answer& answer) {
                         on_answer(request, answer, is_main);
                       },
                       [&](const std::string& line) { on_line(line, is_main); }});
}

void Subscriber::receive() {
  std::erase_if(tables_, [this](const auto& link) { return !receive(*link, false); });
  for (auto* link : {&recent_, &asks_})
    if (*link && !receive(**link, false)) link->reset();
  if (main_ && !receive(*main_, true)) on_gone();
}

void Subscriber::receive_rest() {
  while (main_) receive();
}

void Subscriber::on_answer(const std::string& request, const Answer& answer, bool is_main) {
  const bool is_own = request.starts_with("subscribe ") || request.starts_with("interval ");
  if (!is_own) return model_.answered(request, answer);
  if (!answer.ok) return model_.say(request + ": " + answer.error, true);
  if (!is_main || !request.starts_with("subscribe ")) return;
  has_answered_ = true;
  model_.connected();
  // Those that cost the tracer something are asked for by their key.
  for (const Effect& effect : model_.choose(options_.table)) perform(effect);
}

void Subscriber::on_line(const std::string& line, bool is_main) {
  auto sample = read_sample(line);
  if (!sample) return model_.say(sample.error().message, true);
  if (is_main && sample->is_last) has_ended_ = true;
  model_.take(std::move(*sample));
}

void Subscriber::on_gone() {
  main_.reset();
  recent_.reset();
  asks_.reset();
  tables_.clear();
  if (has_ended_)
    model_.trace_is_over(RunState::Ended, "the trace has ended; q: quit");
  else
    model_.trace_is_over(RunState::Gone,
                         "the tracer has gone without a last word: was it killed? q: quit");
}

void Subscriber::ask(const std::string& request) {
  if (!main_) return model_.say("there is no tracer any more", true);
  if (!asks_) {
    auto link = Link::connect(path_);
    if (!link) return model_.say(link.error().message, true);
    asks_ = std::make_unique<Link>(std::move(*link));
  }
  if (!asks_->ask(request)) model_.say("the tracer does not take this request", true);
}

void Subscriber::perform(const Effect& effect) {
  switch (effect.kind) {
    case Effect::Kind::Ask:
      return ask(effect.text);
    case Effect::Kind::WatchTable:
      if (auto link = subscribe(fmt::format("by={} top={}", word_of(effect.table), options_.rows)))
        tables_.push_back(std::move(link));
      return;
    case Effect::Kind::WatchRecent:
      // The totals of that subscription are not needed: one row.
      recent_ =
          subscribe(effect.text.empty() ? fmt::format("by=thread top=1 recent={}", kRecentOfAll)
                                        : fmt::format("by=thread top=1 recent={} function={}",
                                                      kRecent, effect.text));
      return;
    case Effect::Kind::ForgetRecent:
      return recent_.reset();
    case Effect::Kind::SetInterval: {
      const std::string request = fmt::format("interval {}", model_.state().interval_ms);
      for (auto* link : {&main_, &recent_})
        if (*link) (*link)->ask(request);
      for (const auto& link : tables_) link->ask(request);
      return;
    }
    default:
      return;
  }
}

}  // namespace wc::top
