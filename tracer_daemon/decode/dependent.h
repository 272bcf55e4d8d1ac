// Inside of dependent*.cpp: the list of arguments being made, and what corrects it by the operation
// that an argument names. `i`, `op`, ... are the index of that argument.
#pragma once

#include <algorithm>

#include "decode/args.h"
#include "decode/struct_tables.h"

namespace wc {

// The list being made: `cut` ends it, `set` gives a slot another kind.
class Builder {
 public:
  Builder(std::span<const ArgSpec> specs, std::span<const uint64_t> words) : words_(words) {
    list_.count = static_cast<uint8_t>(std::min<size_t>(specs.size(), kMaxArgs));
    for (uint8_t i = 0; i < list_.count; i++) list_.slots[i] = {specs[i], i};
  }

  [[nodiscard]] uint8_t count() const { return list_.count; }
  [[nodiscard]] const ArgSpec& spec(size_t i) const { return list_.slots[i].spec; }
  [[nodiscard]] bool is(size_t i, ArgKind kind) const {
    return i < list_.count && spec(i).kind == kind;
  }
  [[nodiscard]] bool is(size_t i, ArgKind kind, FlagTable table) const {
    return is(i, kind) && spec(i).aux == static_cast<uint16_t>(table);
  }
  [[nodiscard]] uint64_t word(size_t i) const { return i < words_.size() ? words_[i] : 0; }

  void cut(size_t count) {
    list_.count = static_cast<uint8_t>(std::min<size_t>(count, list_.count));
  }
  void set(size_t i, ArgKind kind) { set(i, {kind, 0}); }
  void set(size_t i, FlagTable flags) { set(i, {ArgKind::Flags, static_cast<uint16_t>(flags)}); }
  void set_enum(size_t i, FlagTable table) {
    set(i, {ArgKind::Enum, static_cast<uint16_t>(table)});
  }
  void set(size_t i, ArgKind kind, StructId id) { set(i, {kind, static_cast<uint16_t>(id)}); }
  void set(size_t i, ArgKind kind, FlagTable table) {
    set(i, {kind, static_cast<uint16_t>(table)});
  }
  void set(size_t i, ArgSpec spec) {
    if (i < list_.count) list_.slots[i].spec = spec;
  }
  void swap(size_t a, size_t b) { std::swap(list_.slots[a], list_.slots[b]); }

  void drop(size_t i) {
    std::copy(list_.slots + i + 1, list_.slots + list_.count, list_.slots + i);
    list_.count--;
  }

  [[nodiscard]] const ArgList& list() const { return list_; }

 private:
  std::span<const uint64_t> words_;
  ArgList list_;
};

void resolve_bpf(Builder& b, size_t command);
void resolve_fsconfig(Builder& b, size_t command);
void resolve_io_uring_register(Builder& b, size_t op);
void resolve_ioctl(Builder& b, size_t request);
void resolve_ipc(Builder& b, size_t command);
void resolve_keyctl(Builder& b, size_t op);
void resolve_quota(Builder& b, size_t command);
void resolve_prctl(Builder& b, size_t op);
void resolve_seccomp(Builder& b, size_t op);
void resolve_syslog(Builder& b, size_t action);

}  // namespace wc
