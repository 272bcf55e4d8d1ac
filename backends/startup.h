// What a program's start is spent on: in ld.so, the library that is being loaded; among
// constructors, the library whose constructors run.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string_view>
#include <unordered_map>

#include "phase_clock.h"
#include "summary_rows.h"
#include "wc_backend.h"

namespace wc::backends {

class Startup {
 public:
  using Libraries = std::map<const Name*, Counts>;

  explicit Startup(Names& names) : names_(names) {}

  // `library`: in the phase of constructors, whose turn it is; may be empty.
  void enter(int32_t pid, Phase phase, std::string_view library, uint64_t ts);
  void forget(int32_t pid) { spans_.erase(pid); }
  void syscall(const wc_syscall& event, Phase phase);

  // `ns` is all of the time that the library took.
  [[nodiscard]] const Libraries& libraries(Phase phase) const { return libraries_[phase]; }

 private:
  // ld.so opens, reads, maps and closes one library after the other. What it does in between
  // (looking for the next one in its folders) is for the next one.
  struct Span {
    Phase phase = kNoPhase;
    uint64_t since = 0;
    const Name* library = nullptr;  // is open, or its constructors run
    Counts counts;
  };
  void book(Span& span, const Name* library, uint64_t until);
  const Name* rest_of(const Span& span);

  Names& names_;
  std::array<Libraries, kPhases> libraries_;
  std::unordered_map<int32_t, Span> spans_;  // by process
};

}  // namespace wc::backends
