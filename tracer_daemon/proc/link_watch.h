// Who hears of the links in /proc that decoding reads, and who answers in the kernel's place: when
// a recorded run is replayed, its processes are gone, and their numbers may be somebody else's.
#pragma once

#include <optional>
#include <string>

namespace wc::proc {

class LinkWitness {
 public:
  virtual ~LinkWitness() = default;
  virtual void saw_link(const std::string& path, const std::string& target) = 0;
};

class LinkAnswers {
 public:
  virtual ~LinkAnswers() = default;
  virtual std::string answer_link(const std::string& path) = 0;
};

// Of this thread; null: nobody any more.
void watch_links(LinkWitness* witness);
void answer_links(LinkAnswers* answers);

}  // namespace wc::proc
