#include "symbols/type_reader.h"

#include <dwarf.h>

#include <algorithm>
#include <string_view>

namespace wc {
namespace {

constexpr unsigned kLongestChain = 64;  // of typedefs and qualifiers
constexpr uint64_t kLargestType = uint64_t{1} << 32;
constexpr uint64_t kLargestAlignment = 4096;
constexpr size_t kMostEnumerators = 4096;
constexpr size_t kMostMembers = 256;
constexpr uint64_t kWord = 8;

std::string name_of(Dwarf_Die& entry) {
  const char* name = dwarf_diename(&entry);
  constexpr size_t kLongest = 256;
  return name == nullptr ? std::string() : std::string(std::string_view(name).substr(0, kLongest));
}

bool flag(Dwarf_Die& entry, unsigned name) {
  Dwarf_Attribute attribute;
  bool value = false;
  return dwarf_attr(&entry, name, &attribute) != nullptr &&
         dwarf_formflag(&attribute, &value) == 0 && value;
}

bool is_qualifier(int tag) {
  switch (tag) {
    case DW_TAG_typedef:
    case DW_TAG_const_type:
    case DW_TAG_volatile_type:
    case DW_TAG_restrict_type:
    case DW_TAG_atomic_type:
    case DW_TAG_immutable_type:
    case DW_TAG_template_alias:
      return true;
    default:
      return false;
  }
}

bool is_class(int tag) {
  return tag == DW_TAG_structure_type || tag == DW_TAG_class_type || tag == DW_TAG_union_type;
}

std::shared_ptr<ValueType> scalar(TypeKind kind, uint64_t size) {
  auto type = std::make_shared<ValueType>();
  type->kind = kind;
  type->size = size;
  type->alignment = size;
  return type;
}

TypePtr address() { return scalar(TypeKind::Address, kWord); }

TypePtr object() {
  auto type = scalar(TypeKind::Address, kWord);
  type->is_object = true;
  return type;
}

bool is_power_of_two(uint64_t size) { return size != 0 && (size & (size - 1)) == 0; }

TypePtr complex_of(TypeKind part, uint64_t size) {
  const TypePtr element = scalar(part, size / 2);
  auto type = scalar(TypeKind::Structure, size);
  type->alignment = element->alignment;
  type->members.push_back({.name = {}, .offset = 0, .type = element});
  type->members.push_back({.name = {}, .offset = element->size, .type = element});
  return type;
}

TypePtr floating(std::string_view name, uint64_t size) {
  if (size == sizeof(float) || size == sizeof(double)) return scalar(TypeKind::Floating, size);
  if (size == 16 && name == "long double") return scalar(TypeKind::Extended, size);
  return size <= 16 ? scalar(TypeKind::OtherFloat, size) : nullptr;
}

// The first bit of a bit-field; DWARF 2 and 3 count from the other end of its storage unit.
uint64_t first_bit(Dwarf_Die& member, uint64_t offset, uint64_t unit, uint64_t bits) {
  if (auto at = unsigned_attribute(member, DW_AT_data_bit_offset)) return *at;
  const uint64_t behind = unsigned_attribute(member, DW_AT_bit_offset).value_or(0) + bits;
  return offset * 8 + unit * 8 - std::min(behind, unit * 8);
}

// Written by the class's author, and not as `= default` or `= delete`.
bool is_provided(Dwarf_Die& function) {
  return !flag(function, DW_AT_artificial) && !flag(function, DW_AT_deleted) &&
         unsigned_attribute(function, DW_AT_defaulted) != DW_DEFAULTED_in_class;
}

bool is_virtual(Dwarf_Die& entry) {
  return unsigned_attribute(entry, DW_AT_virtuality).value_or(0) != 0;
}

}  // namespace

std::optional<uint64_t> unsigned_attribute(Dwarf_Die& entry, unsigned name) {
  Dwarf_Attribute attribute;
  Dwarf_Word value = 0;
  if (dwarf_attr_integrate(&entry, name, &attribute) == nullptr ||
      dwarf_formudata(&attribute, &value) != 0)
    return std::nullopt;
  return value;
}

TypeReader::Named TypeReader::peel(Dwarf_Die& entry) {
  Named found;
  Dwarf_Die at = entry;
  for (unsigned i = 0; i < kLongestChain; i++) {
    Dwarf_Attribute attribute;
    if (dwarf_attr_integrate(&at, DW_AT_type, &attribute) == nullptr) {
      found.outcome = Outcome::Void;
      return found;
    }
    if (!spend() || dwarf_formref_die(&attribute, &found.entry) == nullptr) return found;
    if (dwarf_attr(&found.entry, DW_AT_signature, &attribute) != nullptr &&
        dwarf_formref_die(&attribute, &found.entry) == nullptr)
      return found;  // it stands for one in a type unit
    if (!is_qualifier(dwarf_tag(&found.entry))) {
      found.outcome = Outcome::Known;
      return found;
    }
    found.is_wide = found.is_wide || name_of(found.entry) == "wchar_t";
    at = found.entry;
  }
  return found;
}

TypeReader::Read TypeReader::type_of(Dwarf_Die& entry) {
  Named named = peel(entry);
  if (named.outcome != Outcome::Known) return {named.outcome, nullptr};
  TypePtr type = read(named.entry, 0);
  return {type != nullptr ? Outcome::Known : Outcome::Unknown, type};
}

TypePtr TypeReader::read(Dwarf_Die& entry, unsigned depth) {
  if (auto known = known_.find(entry.addr); known != known_.end()) return known->second;
  if (depth > kDeepest || !spend()) return nullptr;
  TypePtr type = make(entry, depth);
  if (type == nullptr || type->size > kLargestType) return nullptr;
  known_.emplace(entry.addr, type);
  return type;
}

TypePtr TypeReader::make(Dwarf_Die& entry, unsigned depth) {
  switch (dwarf_tag(&entry)) {
    case DW_TAG_base_type:
      return base(entry);
    case DW_TAG_pointer_type:
      return pointer(entry);
    case DW_TAG_reference_type:
    case DW_TAG_rvalue_reference_type:
    case DW_TAG_unspecified_type:  // decltype(nullptr)
      return address();
    case DW_TAG_ptr_to_member_type:
      return member_pointer(entry);
    case DW_TAG_enumeration_type:
      return enumeration(entry);
    case DW_TAG_structure_type:
    case DW_TAG_class_type:
    case DW_TAG_union_type:
      return structure(entry, depth);
    case DW_TAG_array_type:
      return array(entry, depth);
    default:
      return nullptr;
  }
}

TypePtr TypeReader::base(Dwarf_Die& entry) const {
  const std::string name = name_of(entry);
  const uint64_t size = unsigned_attribute(entry, DW_AT_byte_size).value_or(0);
  const uint64_t encoding = unsigned_attribute(entry, DW_AT_encoding).value_or(0);
  const bool is_float = encoding == DW_ATE_float;
  if (encoding == DW_ATE_complex_float && size == 2 * sizeof(long double))
    return complex_of(TypeKind::Extended, size);
  if (encoding == DW_ATE_complex_float && (size == 8 || size == 16))
    return complex_of(TypeKind::Floating, size);
  if (!is_power_of_two(size) || size > 16) return nullptr;
  if (is_float) return floating(name, size);
  if (encoding == DW_ATE_decimal_float) return scalar(TypeKind::OtherFloat, size);
  if (name == "char8_t" && size == 1)
    return scalar(TypeKind::Character, size);  // an unsigned to gcc
  switch (encoding) {
    case DW_ATE_boolean:
      return size <= kWord ? scalar(TypeKind::Boolean, size) : nullptr;
    case DW_ATE_signed:
      return scalar(TypeKind::Signed, size);
    case DW_ATE_unsigned:
      return scalar(TypeKind::Unsigned, size);
    case DW_ATE_signed_char:
      return scalar(name == "char" ? TypeKind::Character : TypeKind::Signed, size);
    case DW_ATE_unsigned_char:
      return scalar(name == "char" ? TypeKind::Character : TypeKind::Unsigned, size);
    case DW_ATE_UTF:
      return size <= 4 ? scalar(TypeKind::Character, size) : nullptr;
    case DW_ATE_address:
      return size == kWord ? address() : nullptr;
    default:
      return nullptr;
  }
}

// What it points to is looked at for its name only, so that types may lead to each other.
TypePtr TypeReader::pointer(Dwarf_Die& entry) {
  if (unsigned_attribute(entry, DW_AT_byte_size).value_or(kWord) != kWord) return nullptr;
  Named pointee = peel(entry);
  if (pointee.outcome != Outcome::Known || dwarf_tag(&pointee.entry) != DW_TAG_base_type)
    return address();
  const std::string name = name_of(pointee.entry);
  if (name == "char" || name == "char8_t") return scalar(TypeKind::String, kWord);
  const bool is_wide = pointee.is_wide || name == "wchar_t";
  return is_wide ? scalar(TypeKind::WideString, kWord) : address();
}

// Of a function: its address and what is added to `this`.
TypePtr TypeReader::member_pointer(Dwarf_Die& entry) {
  Named pointee = peel(entry);
  if (pointee.outcome != Outcome::Known) return nullptr;
  if (dwarf_tag(&pointee.entry) != DW_TAG_subroutine_type) return scalar(TypeKind::Signed, kWord);
  auto type = scalar(TypeKind::Structure, 2 * kWord);
  type->alignment = kWord;
  type->members.push_back({.name = {}, .offset = 0, .type = address()});
  type->members.push_back({.name = {}, .offset = kWord, .type = scalar(TypeKind::Signed, kWord)});
  return type;
}

TypePtr TypeReader::enumeration(Dwarf_Die& entry) {
  const Named underlying = peel(entry);
  uint64_t size = unsigned_attribute(entry, DW_AT_byte_size).value_or(0);
  auto type = scalar(TypeKind::Enumeration, size);
  if (underlying.outcome == Outcome::Known) {
    Dwarf_Die base_entry = underlying.entry;
    const auto encoding = unsigned_attribute(base_entry, DW_AT_encoding).value_or(0);
    type->is_signed = encoding == DW_ATE_signed || encoding == DW_ATE_signed_char;
    if (size == 0) size = unsigned_attribute(base_entry, DW_AT_byte_size).value_or(0);
  }
  if (!is_power_of_two(size) || size > kWord) return nullptr;
  type->size = type->alignment = size;
  for (Children child(entry); child.is_there(); child.next()) {
    if (type->enumerators.size() == kMostEnumerators || !spend()) break;
    Dwarf_Attribute attribute;
    Dwarf_Word value = 0;
    if (dwarf_tag(&child.entry()) == DW_TAG_enumerator &&
        dwarf_attr(&child.entry(), DW_AT_const_value, &attribute) != nullptr &&
        dwarf_formudata(&attribute, &value) == 0)
      type->enumerators.push_back({static_cast<int64_t>(value), name_of(child.entry())});
  }
  return type;
}

bool TypeReader::add_member(Dwarf_Die& entry, unsigned depth, ValueType& type) {
  Named named = peel(entry);
  if (named.outcome != Outcome::Known) return false;
  const TypePtr of_member = read(named.entry, depth + 1);
  if (of_member == nullptr) return false;
  const bool is_base = dwarf_tag(&entry) == DW_TAG_inheritance;
  Member member{.name = is_base ? std::string() : name_of(entry),
                .offset = unsigned_attribute(entry, DW_AT_data_member_location).value_or(0),
                .type = of_member};
  if (auto bits = unsigned_attribute(entry, DW_AT_bit_size)) {
    if (*bits == 0 || *bits > 128) return false;
    const uint64_t unit = unsigned_attribute(entry, DW_AT_byte_size).value_or(of_member->size);
    member.bit_size = static_cast<uint32_t>(*bits);
    member.bit_offset = first_bit(entry, member.offset, unit, *bits);
    member.offset = member.bit_offset / 8;
  }
  if (member.offset > type.size || member.bit_offset / 8 > type.size) return false;
  type.alignment = std::max(type.alignment, of_member->alignment);
  type.members.push_back(std::move(member));
  return true;
}

TypePtr TypeReader::structure(Dwarf_Die& entry, unsigned depth) {
  if (flag(entry, DW_AT_declaration)) return nullptr;
  const bool by_address = is_passed_by_address(entry, depth);
  if (left_ == 0) return nullptr;
  if (by_address) return object();
  const auto size = unsigned_attribute(entry, DW_AT_byte_size);
  if (!size) return nullptr;
  auto type = scalar(TypeKind::Structure, *size);
  type->alignment = 1;
  for (Children child(entry); child.is_there(); child.next()) {
    if (!spend()) return nullptr;
    const int tag = dwarf_tag(&child.entry());
    const bool is_static =
        flag(child.entry(), DW_AT_external) || flag(child.entry(), DW_AT_declaration);
    if ((tag != DW_TAG_member && tag != DW_TAG_inheritance) || is_static) continue;
    if (type->members.size() == kMostMembers || !add_member(child.entry(), depth, *type))
      return nullptr;
  }
  const uint64_t asked = unsigned_attribute(entry, DW_AT_alignment).value_or(1);
  if (is_power_of_two(asked) && asked <= kLargestAlignment)
    type->alignment = std::max(type->alignment, asked);
  return type;
}

// Itanium C++ ABI, 3.1.2.3: what is not copied and destroyed as bytes. clang says so; gcc does not,
// and it is found by what the class and its parts declare.
bool TypeReader::is_passed_by_address(Dwarf_Die& entry, unsigned depth) {
  if (const auto how = unsigned_attribute(entry, DW_AT_calling_convention))
    return *how == DW_CC_pass_by_reference;
  if (depth > kDeepest) left_ = 0;
  for (Children child(entry); child.is_there() && spend(); child.next())
    if (makes_nontrivial(child.entry(), entry, depth)) return true;
  return false;
}

bool TypeReader::makes_nontrivial(Dwarf_Die& child, Dwarf_Die& of_class, unsigned depth) {
  const int tag = dwarf_tag(&child);
  if (tag == DW_TAG_subprogram)
    return is_virtual(child) || (is_provided(child) && copies_or_destroys(child, of_class));
  const bool is_base = tag == DW_TAG_inheritance;
  if ((!is_base && tag != DW_TAG_member) || flag(child, DW_AT_external) ||
      flag(child, DW_AT_declaration))
    return false;
  if (is_base && is_virtual(child)) return true;
  Named part = peel(child);
  while (part.outcome == Outcome::Known && dwarf_tag(&part.entry) == DW_TAG_array_type && spend())
    part = peel(part.entry);
  return part.outcome == Outcome::Known && is_class(dwarf_tag(&part.entry)) &&
         is_passed_by_address(part.entry, depth + 1);
}

// A destructor, or a constructor that takes nothing but a reference to another object of the class.
bool TypeReader::copies_or_destroys(Dwarf_Die& function, Dwarf_Die& of_class) {
  const std::string name = name_of(function), class_name = name_of(of_class);
  if (name.starts_with('~')) return true;
  if (name.empty() || name != class_name.substr(0, class_name.find('<'))) return false;
  unsigned count = 0;
  bool is_its_own = false;
  for (Children child(function); child.is_there() && spend(); child.next()) {
    if (dwarf_tag(&child.entry()) != DW_TAG_formal_parameter ||
        flag(child.entry(), DW_AT_artificial))
      continue;
    count++;
    Named reference = peel(child.entry());
    if (reference.outcome != Outcome::Known) continue;
    const int tag = dwarf_tag(&reference.entry);
    if (tag != DW_TAG_reference_type && tag != DW_TAG_rvalue_reference_type) continue;
    Named object = peel(reference.entry);
    is_its_own = object.outcome == Outcome::Known && object.entry.addr == of_class.addr;
  }
  return count == 1 && is_its_own;
}

TypePtr TypeReader::array(Dwarf_Die& entry, unsigned depth) {
  Named named = peel(entry);
  if (named.outcome != Outcome::Known) return nullptr;
  const TypePtr element = read(named.entry, depth + 1);
  if (element == nullptr || element->size == 0) return nullptr;
  uint64_t count = 1;
  for (Children child(entry); child.is_there() && spend(); child.next()) {
    if (dwarf_tag(&child.entry()) != DW_TAG_subrange_type) continue;
    auto length = unsigned_attribute(child.entry(), DW_AT_count);
    if (const auto last = unsigned_attribute(child.entry(), DW_AT_upper_bound); !length && last)
      length = *last + 1;
    count *= std::min(length.value_or(0), kLargestType);  // without one: a flexible member
    if (count > kLargestType) return nullptr;
  }
  if (count * element->size > kLargestType) return nullptr;
  const bool is_vector = flag(entry, DW_AT_GNU_vector);
  auto type = scalar(is_vector ? TypeKind::Vector : TypeKind::Array, count * element->size);
  type->alignment = is_vector ? std::min(type->size, kLargestAlignment) : element->alignment;
  if (is_vector && !is_power_of_two(type->size)) return nullptr;
  type->element = element;
  type->count = count;
  return type;
}

}  // namespace wc
