// The rows of the summary: what is counted for a function, a caller, a syscall, a thread or a path,
// and for what stands below each of these. No events here, and no text.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "durations.h"

namespace wc::backends {

// What a row or a part of one is called. Each exists once, so its address stands for it.
struct Name {
  std::string text;
  std::string library;      // of a function; empty when only its name is known
  uint32_t nr = kNoNumber;  // of a syscall
  static constexpr uint32_t kNoNumber = UINT32_MAX;
};

// Names never grow without bound: a program can make up paths, callers and syscall numbers. What
// comes after the first 16,384 of a kind is counted as "(other)".
class Names {
 public:
  const Name* find_or_add(std::string_view text);
  // A function of which only the name is known is the first one of that name.
  const Name* function(std::string_view text, std::string_view library);
  const Name* syscall(uint32_t nr, std::string_view text);

 private:
  struct Key {
    std::string text, library;
    auto operator<=>(const Key&) const = default;
  };
  struct View {
    std::string_view text, library;
  };
  struct Less {
    using is_transparent = void;
    template <typename A, typename B>
    bool operator()(const A& a, const B& b) const {
      const int order = std::string_view(a.text).compare(b.text);
      return order != 0 ? order < 0 : std::string_view(a.library) < std::string_view(b.library);
    }
  };
  const Name* add(std::string_view text, std::string_view library);

  std::map<Key, Name, Less> names_;
  std::map<uint32_t, Name> syscalls_;
  Name other_{.text = "(other)"};
};

struct Counts {
  uint64_t calls = 0;
  uint64_t syscalls = 0;  // those of nested calls as well, each once
  uint64_t own = 0;       // without those
  uint64_t errors = 0;    // among `syscalls`
  uint64_t ns = 0;        // in calls, or in syscalls where the row is about these; nested once
  uint64_t syscall_ns = 0;
  Durations durations;  // of the calls, or syscalls, that were seen one by one

  [[nodiscard]] bool empty() const { return calls == 0 && syscalls == 0; }
  void add_syscall(uint64_t ns, bool has_failed);
};

struct Row : Counts {
  std::map<const Name*, Counts> parts;
};

using Rows = std::map<const Name*, Row>;

}  // namespace wc::backends
