#include "summary_rows.h"

namespace wc::backends {

namespace {

constexpr size_t kMostNames = 16'384;
constexpr size_t kMostSyscalls = 2048;  // there are some 450

}  // namespace

const Name* Names::add(std::string_view text, std::string_view library) {
  if (names_.size() >= kMostNames) return &other_;
  Key key{std::string(text), std::string(library)};
  Name name{.text = key.text, .library = key.library};
  return &names_.emplace(std::move(key), std::move(name)).first->second;
}

const Name* Names::find_or_add(std::string_view text) {
  const auto found = names_.find(View{text, {}});
  return found != names_.end() ? &found->second : add(text, {});
}

const Name* Names::function(std::string_view text, std::string_view library) {
  auto first = names_.lower_bound(View{text, {}});
  const bool is_known = first != names_.end() && first->first.text == text;
  if (is_known && library.empty()) return &first->second;
  if (is_known && first->second.library.empty()) first->second.library = library;
  if (is_known && first->second.library == library) return &first->second;
  const auto found = names_.find(View{text, library});
  return found != names_.end() ? &found->second : add(text, library);
}

const Name* Names::syscall(uint32_t nr, std::string_view text) {
  const auto found = syscalls_.find(nr);
  if (found != syscalls_.end()) return &found->second;
  if (syscalls_.size() >= kMostSyscalls) return &other_;
  return &syscalls_.emplace(nr, Name{.text = std::string(text), .nr = nr}).first->second;
}

void Counts::add_syscall(uint64_t duration, bool has_failed) {
  ++syscalls;
  if (has_failed) ++errors;
  syscall_ns += duration;
}

}  // namespace wc::backends
