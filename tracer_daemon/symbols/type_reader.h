// Types of C and C++, from their debug information, as far as a value of them can be shown and its
// place told. What is damaged, or not there, is no type: chains and nesting have an end, and the
// number of entries that are read for one function has, too.
// Internal to tracer_daemon/symbols.
#pragma once

#include <elfutils/libdw.h>

#include <cstdint>
#include <optional>
#include <unordered_map>

#include "decode/prototype.h"

namespace wc {

// Children of an entry, in order. A damaged file can have an entry's next one stand before it: the
// list ends there.
class Children {
 public:
  explicit Children(Dwarf_Die& parent) { is_there_ = dwarf_child(&parent, &at_) == 0; }
  [[nodiscard]] bool is_there() const { return is_there_; }
  Dwarf_Die& entry() { return at_; }
  void next() {
    Dwarf_Die following;
    is_there_ = dwarf_siblingof(&at_, &following) == 0 &&
                dwarf_dieoffset(&following) > dwarf_dieoffset(&at_);
    at_ = following;
  }

 private:
  Dwarf_Die at_{};
  bool is_there_ = false;
};

std::optional<uint64_t> unsigned_attribute(Dwarf_Die& entry, unsigned name);

class TypeReader {
 public:
  enum class Outcome : uint8_t { Void, Known, Unknown };
  struct Read {
    Outcome outcome = Outcome::Unknown;
    TypePtr type;
  };

  // Of the type that DW_AT_type of `entry` names, directly or where the entry comes from.
  Read type_of(Dwarf_Die& entry);
  // Before another function is read.
  void refill() { left_ = kMostEntries; }

 private:
  static constexpr unsigned kMostEntries = 1 << 16;
  static constexpr unsigned kDeepest = 16;

  struct Named {
    Outcome outcome = Outcome::Unknown;
    Dwarf_Die entry{};
    bool is_wide = false;  // under the name wchar_t, which C has as a typedef
  };
  bool spend() { return left_ != 0 && left_-- != 0; }
  Named peel(Dwarf_Die& entry);
  TypePtr read(Dwarf_Die& entry, unsigned depth);
  TypePtr make(Dwarf_Die& entry, unsigned depth);
  TypePtr base(Dwarf_Die& entry) const;
  TypePtr pointer(Dwarf_Die& entry);
  TypePtr member_pointer(Dwarf_Die& entry);
  TypePtr enumeration(Dwarf_Die& entry);
  TypePtr structure(Dwarf_Die& entry, unsigned depth);
  TypePtr array(Dwarf_Die& entry, unsigned depth);
  bool add_member(Dwarf_Die& entry, unsigned depth, ValueType& type);
  bool is_passed_by_address(Dwarf_Die& entry, unsigned depth);
  bool makes_nontrivial(Dwarf_Die& child, Dwarf_Die& of_class, unsigned depth);
  bool copies_or_destroys(Dwarf_Die& function, Dwarf_Die& of_class);

  unsigned left_ = 0;
  std::unordered_map<const void*, TypePtr> known_;  // by the entry's place in the file
};

}  // namespace wc
