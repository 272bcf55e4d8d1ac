#include "symbols/prototypes.h"

#include <dwarf.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "elf/elf_handle.h"
#include "symbols/debug_file.h"
#include "symbols/line_table.h"
#include "symbols/type_reader.h"

namespace wc {
namespace {

constexpr unsigned kDeepestScope = 32;
constexpr unsigned kMostRanges = 8;
constexpr size_t kMostParameters = 64;

// Newer than elfutils' dwarf.h (dwarfstd.org, "DWARF language names").
constexpr uint64_t kCpp17 = 0x2a, kCpp20 = 0x2b, kC17 = 0x2c, kCpp23 = 0x3a, kC23 = 0x3e;

bool holds_functions(int tag) {
  switch (tag) {
    case DW_TAG_namespace:
    case DW_TAG_module:
    case DW_TAG_structure_type:
    case DW_TAG_class_type:
    case DW_TAG_union_type:
    case DW_TAG_subprogram:
    case DW_TAG_lexical_block:
      return true;
    default:
      return false;
  }
}

// Those whose compilers keep to the System V ABI for all functions, or all that are taken here.
bool follows_the_abi(uint64_t language) {
  switch (language) {
    case DW_LANG_C89:
    case DW_LANG_C:
    case DW_LANG_C99:
    case DW_LANG_C11:
    case DW_LANG_C_plus_plus:
    case DW_LANG_C_plus_plus_03:
    case DW_LANG_C_plus_plus_11:
    case DW_LANG_C_plus_plus_14:
    case DW_LANG_ObjC:
    case DW_LANG_ObjC_plus_plus:
    case kCpp17:
    case kCpp20:
    case kCpp23:
    case kC17:
    case kC23:
    case DW_LANG_Rust:
      return true;
    default:
      return false;
  }
}

// Rust's own convention is C's but for values of several parts.
bool is_whole(const TypePtr& type) {
  if (type == nullptr) return true;
  switch (type->kind) {
    case TypeKind::Structure:
    case TypeKind::Array:
    case TypeKind::Vector:
      return false;
    default:
      return !type->is_object && type->size <= sizeof(uint64_t);
  }
}

bool has_whole_values(const FunctionPrototype& prototype) {
  return is_whole(prototype.result.type) &&
         std::ranges::all_of(prototype.parameters, is_whole, &Parameter::type);
}

bool is_c(uint64_t language) {
  return language == DW_LANG_C89 || language == DW_LANG_C || language == DW_LANG_C99 ||
         language == DW_LANG_C11 || language == kC17;
}

bool has_flag(Dwarf_Die& entry, unsigned name) {
  Dwarf_Attribute attribute;
  bool value = false;
  return dwarf_attr_integrate(&entry, name, &attribute) != nullptr &&
         dwarf_formflag(&attribute, &value) == 0 && value;
}

struct FileIdentity {
  dev_t device = 0;
  ino_t inode = 0;
  timespec changed{};

  static FileIdentity of(const struct stat& status) {
    return {status.st_dev, status.st_ino, status.st_mtim};
  }
  bool operator==(const FileIdentity& other) const {
    return device == other.device && inode == other.inode &&
           changed.tv_sec == other.changed.tv_sec && changed.tv_nsec == other.changed.tv_nsec;
  }
};

constexpr std::array<uint64_t, 6> kIntegers = {5, 4, 1, 2, 8, 9};  // rdi, rsi, rdx, rcx, r8, r9
constexpr uint64_t kXmm0 = 17, kXmm7 = 24;

bool holds_arguments(uint64_t number) {
  return (number >= kXmm0 && number <= kXmm7) || std::ranges::count(kIntegers, number) != 0;
}

// Where the debug information has a parameter at the function's first instruction.
struct Told {
  enum class Kind : uint8_t { Nothing, Register, Gone } kind = Kind::Nothing;
  uint64_t number = 0;  // of the register, by DWARF (System V ABI, figure 3.36)
};

bool is_constant(uint8_t atom) {
  return atom == DW_OP_addr || atom == DW_OP_addrx || atom == DW_OP_implicit_value ||
         atom == DW_OP_implicit_pointer || (atom >= DW_OP_const1u && atom <= DW_OP_consts) ||
         (atom >= DW_OP_lit0 && atom <= DW_OP_lit31);
}

// Only optimised code says so: elsewhere, and under `register`, it is where the parameter is kept
// later on.
Told told_place(Dwarf_Die& parameter, uint64_t address) {
  Dwarf_Attribute attribute;
  if (dwarf_attr(&parameter, DW_AT_location, &attribute) == nullptr) return {Told::Kind::Gone};
  Dwarf_Op* operations = nullptr;
  size_t count = 0;
  const int found = dwarf_getlocation_addr(&attribute, address, &operations, &count, 1);
  if (found < 0) return {};
  if (found == 0 || count == 0 || is_constant(operations[0].atom)) return {Told::Kind::Gone};
  const uint8_t atom = operations[0].atom;
  if (count != 1 || atom < DW_OP_reg0 || atom > DW_OP_reg31) return {};
  const uint64_t number = atom - DW_OP_reg0;
  return holds_arguments(number) ? Told{Told::Kind::Register, number} : Told{};
}

uint64_t dwarf_register(const Place::Piece& piece) {
  return piece.is_vector ? kXmm0 + piece.index : kIntegers[piece.index];
}

// An optimiser that knows all callers of a function may drop one of its parameters, and the others
// move up: clang does so without a word. False: they have moved.
bool stay_in_place(Dwarf_Die& function, FunctionPrototype& prototype, uint64_t address) {
  auto next = prototype.parameters.begin();
  for (Children child(function); child.is_there() && next != prototype.parameters.end();
       child.next()) {
    if (dwarf_tag(&child.entry()) != DW_TAG_formal_parameter) continue;
    Place& place = (next++)->place;
    if (place.kind != Place::Kind::Registers || place.piece_count != 1) continue;
    const Told told = told_place(child.entry(), address);
    if (told.kind == Told::Kind::Gone) place.kind = Place::Kind::Unknown;
    if (told.kind == Told::Kind::Register && told.number != dwarf_register(place.pieces[0]))
      return false;
  }
  return true;
}

struct ParameterCount {
  size_t written = 0;
  bool is_variadic = false;
};

ParameterCount count_parameters(Dwarf_Die& function) {
  ParameterCount count;
  for (Children child(function); child.is_there(); child.next()) {
    const int tag = dwarf_tag(&child.entry());
    if (tag == DW_TAG_unspecified_parameters) count.is_variadic = true;
    if (tag == DW_TAG_formal_parameter && !has_flag(child.entry(), DW_AT_artificial))
      count.written++;
  }
  return count;
}

}  // namespace

bool has_its_own_parameters(std::string_view symbol) {
  for (const char* part : {".isra.", ".constprop.", ".part."})
    if (symbol.find(part) != std::string_view::npos) return false;
  return true;
}

struct FunctionPrototypes::State {
  std::string open_path, path, debug_root;
  std::optional<FileIdentity> identity;
  bool opened = false;
  std::unique_ptr<LineTable> debug;  // null: there is none
  TypeReader types;
  std::unordered_set<Dwarf_Off> units;              // whose functions are in `entries`
  std::unordered_map<uint64_t, Dwarf_Off> entries;  // by first instruction
  std::unordered_map<uint64_t, std::unique_ptr<FunctionPrototype>> known;

  ScopedFd open_same(const std::string& at) const;
  void open();
  void list_functions(Dwarf_Die& scope, unsigned depth);
  std::unique_ptr<FunctionPrototype> read(uint64_t address);
  std::unique_ptr<FunctionPrototype> read_entry(Dwarf_Die& function, uint64_t language,
                                                uint64_t address);
  bool read_parameters(Dwarf_Die& function, FunctionPrototype& to);
};

// It may have been replaced since its breakpoints were chosen.
ScopedFd FunctionPrototypes::State::open_same(const std::string& at) const {
  ScopedFd fd = open_elf_file(at);
  struct stat status {};
  if (!fd.valid() || !identity || ::fstat(fd.get(), &status) != 0 ||
      FileIdentity::of(status) != identity)
    return {};
  return fd;
}

void FunctionPrototypes::State::open() {
  if (std::exchange(opened, true)) return;
  const std::string& from = open_same(open_path).valid() ? open_path : path;
  debug = LineTable::open(open_same(from), path);
  if (debug != nullptr) return;
  ScopedFd fd = open_same(from);
  auto elf = open_elf(fd.get(), path);
  if (!elf) return;
  DebugFile separate = find_debug_file(elf->get(), path, debug_root);
  if (separate.fd.valid()) debug = LineTable::open(std::move(separate.fd), separate.path);
}

void FunctionPrototypes::State::list_functions(Dwarf_Die& scope, unsigned depth) {
  for (Children child(scope); child.is_there(); child.next()) {
    Dwarf_Die& entry = child.entry();
    const int tag = dwarf_tag(&entry);
    if (tag == DW_TAG_subprogram) {
      Dwarf_Addr base = 0, start = 0, end = 0;
      ptrdiff_t next = 0;
      for (unsigned i = 0; i < kMostRanges; i++) {
        next = dwarf_ranges(&entry, next, &base, &start, &end);
        if (next <= 0) break;
        entries.try_emplace(start, dwarf_dieoffset(&entry));
      }
    }
    if (depth < kDeepestScope && holds_functions(tag) && dwarf_haschildren(&entry) == 1)
      list_functions(entry, depth + 1);
  }
}

std::unique_ptr<FunctionPrototype> FunctionPrototypes::State::read(uint64_t address) {
  open();
  Dwarf_Die unit;
  if (debug == nullptr || !debug->unit_of(address, unit)) return nullptr;
  const uint64_t language = unsigned_attribute(unit, DW_AT_language).value_or(0);
  if (!follows_the_abi(language)) return nullptr;
  if (units.insert(dwarf_dieoffset(&unit)).second) list_functions(unit, 0);
  const auto found = entries.find(address);
  Dwarf_Die function;
  if (found == entries.end() || !debug->entry_at(found->second, function)) return nullptr;
  return read_entry(function, language, address);
}

std::unique_ptr<FunctionPrototype> FunctionPrototypes::State::read_entry(Dwarf_Die& function,
                                                                         uint64_t language,
                                                                         uint64_t address) {
  // clang says so of functions whose parameters it has changed.
  if (unsigned_attribute(function, DW_AT_calling_convention).value_or(DW_CC_normal) != DW_CC_normal)
    return nullptr;
  types.refill();
  auto prototype = std::make_unique<FunctionPrototype>();
  if (!read_parameters(function, *prototype)) return nullptr;
  const TypeReader::Read result = types.type_of(function);
  if (result.outcome == TypeReader::Outcome::Unknown) return nullptr;
  prototype->result.type = result.type;
  if (language == DW_LANG_Rust && !has_whole_values(*prototype)) return nullptr;
  // A float is handed over as a double there.
  const bool is_promoted = is_c(language) && !has_flag(function, DW_AT_prototyped);
  const bool has_float = std::ranges::any_of(prototype->parameters, [](const Parameter& one) {
    return one.type->kind == TypeKind::Floating && one.type->size == sizeof(float);
  });
  if (is_promoted && has_float) return nullptr;
  place_values(*prototype);
  if (!stay_in_place(function, *prototype, address)) return nullptr;
  return prototype;
}

// By the entry with code, which names those that this very function takes: a constructor may have
// one more than was written. Where it leaves some out, nothing is known of them.
bool FunctionPrototypes::State::read_parameters(Dwarf_Die& function, FunctionPrototype& to) {
  const ParameterCount own = count_parameters(function);
  to.is_variadic = own.is_variadic;
  Dwarf_Die origin;
  Dwarf_Attribute attribute;
  if (dwarf_attr(&function, DW_AT_abstract_origin, &attribute) != nullptr) {
    if (dwarf_formref_die(&attribute, &origin) == nullptr) return false;
    const ParameterCount whole = count_parameters(origin);
    if (own.written < whole.written) return false;
    to.is_variadic = own.is_variadic || whole.is_variadic;
  }
  for (Children child(function); child.is_there(); child.next()) {
    if (dwarf_tag(&child.entry()) != DW_TAG_formal_parameter) continue;
    const TypeReader::Read read = types.type_of(child.entry());
    if (read.type == nullptr || to.parameters.size() == kMostParameters) return false;
    to.parameters.push_back({.type = read.type});
  }
  return true;
}

FunctionPrototypes::FunctionPrototypes(std::string open_path, std::string path,
                                       std::string debug_root)
    : state_(new State{.open_path = std::move(open_path),
                       .path = std::move(path),
                       .debug_root = std::move(debug_root)}) {
  struct stat status {};
  if (::stat(state_->open_path.c_str(), &status) == 0) state_->identity = FileIdentity::of(status);
}
FunctionPrototypes::~FunctionPrototypes() = default;

const FunctionPrototype* FunctionPrototypes::find(uint64_t address) {
  auto [at, is_new] = state_->known.try_emplace(address);
  if (is_new) at->second = state_->read(address);
  return at->second.get();
}

}  // namespace wc
