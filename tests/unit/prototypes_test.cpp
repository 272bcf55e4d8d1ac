// Prototypes from debug information: one program in every form that it comes in, and damaged ones.
#include "symbols/prototypes.h"

#include <dwarf.h>
#include <elfutils/libdw.h>
#include <fcntl.h>
#include <gmock/gmock.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <random>

#include "base/scoped_fd.h"
#include "symbols/demangle.h"
#include "symbols/function_list.h"
#include "temporary_folder.h"

namespace wc {
namespace {

std::string text(const TypePtr& type) {
  if (type == nullptr) return "void";
  static const std::map<TypeKind, std::string> kNames = {
      {TypeKind::Signed, "i"},      {TypeKind::Unsigned, "u"},       {TypeKind::Boolean, "bool"},
      {TypeKind::Character, "c"},   {TypeKind::Enumeration, "enum"}, {TypeKind::Address, "address"},
      {TypeKind::String, "string"}, {TypeKind::WideString, "wide"},  {TypeKind::Floating, "f"},
      {TypeKind::Extended, "x"},    {TypeKind::Structure, "{"},      {TypeKind::Array, "["},
      {TypeKind::Vector, "<"},      {TypeKind::OtherFloat, "o"}};
  std::string out = kNames.at(type->kind);
  if (type->is_object) out = "object";
  if (out.size() == 1 && out != "{") out += std::to_string(type->size);
  for (const Member& member : type->members) out += member.name + ":" + text(member.type) + " ";
  if (out[0] == '{') out.back() = '}';
  return out;
}

std::string text(const FunctionPrototype* prototype) {
  if (prototype == nullptr) return "none";
  std::string out = text(prototype->result.type) + "(";
  for (const Parameter& one : prototype->parameters)
    out += (out.back() == '(' ? "" : ", ") + text(one.type);
  return out + (prototype->is_variadic ? ", ...)" : ")");
}

// By its name without parameters.
class Program {
 public:
  explicit Program(const std::string& path) : prototypes_(path, path) {
    auto list = read_functions(path, path);
    if (!list.ok()) return;
    for (const FunctionSymbol& one : list->functions) {
      const std::string name = demangle(one.name);
      addresses_.emplace(name.substr(0, name.find('(')), one.address);
    }
  }
  std::string prototype(const std::string& name) {
    auto found = addresses_.find(name);
    return found == addresses_.end() ? "no function" : text(prototypes_.find(found->second));
  }
  // How many functions have one.
  size_t read_all() {
    size_t count = 0;
    for (const auto& [name, address] : addresses_) count += prototypes_.find(address) != nullptr;
    return count;
  }

 private:
  FunctionPrototypes prototypes_;
  std::map<std::string, uint64_t> addresses_;
};

// A DW_AT_type of four bytes: where it stands in .debug_info; within the unit, which is the first:
// the entry that it belongs to, and the one around that.
struct TypeReference {
  size_t place = 0;
  uint32_t entry = 0, parent = 0;
};

void add_references(Dwarf_Die& parent, const char* section, std::vector<TypeReference>& out) {
  Dwarf_Die child;
  for (int end = dwarf_child(&parent, &child); end == 0; end = dwarf_siblingof(&child, &child)) {
    Dwarf_Attribute attribute;
    if (dwarf_attr(&child, DW_AT_type, &attribute) != nullptr &&
        dwarf_whatform(&attribute) == DW_FORM_ref4)
      out.push_back({static_cast<size_t>(reinterpret_cast<const char*>(attribute.valp) - section),
                     static_cast<uint32_t>(dwarf_cuoffset(&child)),
                     static_cast<uint32_t>(dwarf_cuoffset(&parent))});
    add_references(child, section, out);
  }
}

std::vector<TypeReference> type_references(const std::string& path) {
  std::vector<TypeReference> all;
  ScopedFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  Dwarf* dwarf = dwarf_begin(fd.get(), DWARF_C_READ);
  Dwarf_CU* unit = nullptr;
  Dwarf_Die entry;
  if (dwarf_get_units(dwarf, nullptr, &unit, nullptr, nullptr, &entry, nullptr) == 0)
    add_references(entry, static_cast<const char*>(entry.addr) - dwarf_dieoffset(&entry), all);
  dwarf_end(dwarf);
  return all;
}

std::string folder() { return PROTOTYPES_PROGRAMS "/"; }

class EveryForm : public testing::TestWithParam<const char*> {};

TEST_P(EveryForm, OfC) {
  Program program(folder() + "values_" + GetParam());
  EXPECT_EQ(program.prototype("integers"), "i4(i1, u1, i2, u2, i4, u4)");
  EXPECT_EQ(program.prototype("character"), "c1(c1, c1, c1)");
  EXPECT_EQ(program.prototype("boolean"), "bool(bool, bool)");
  EXPECT_EQ(program.prototype("text"), "string(string, string, string, string)");
  EXPECT_EQ(program.prototype("wide"), "wide(wide)");
  EXPECT_EQ(program.prototype("enumeration"), "enum(enum, enum, enum, enum)");
  EXPECT_EQ(program.prototype("extended"), "x16(i4, x16, f8)");
  EXPECT_EQ(program.prototype("small"), "{x:i4 y:i4}({x:i4 y:i4}, {a:f4 b:f4})");
  EXPECT_EQ(program.prototype("bit_fields"), "i4({low:u4 high:i4 c:enum})");
  EXPECT_EQ(program.prototype("variadic"), "i4(i4, string, ...)");
  EXPECT_EQ(program.prototype("mark"), "void()");
  EXPECT_EQ(program.prototype("scalar_pair"), "i4(i4, i8, i4)");
}

INSTANTIATE_TEST_SUITE_P(Prototypes, EveryForm,
                         testing::Values("dwarf5", "dwarf4", "dwarf3", "compressed", "types",
                                         "optimised", "linked", "unindexed"));

class EveryObject : public testing::TestWithParam<const char*> {};

TEST_P(EveryObject, OfCpp) {
  Program program(folder() + "objects_" + GetParam());
  EXPECT_EQ(program.prototype("shapes::kinds"), "enum(enum, enum)");
  EXPECT_EQ(program.prototype("shapes::references"), "i4(address, address, address)");
  EXPECT_EQ(program.prototype("shapes::derived"), "{:{id:i4} radius:f4}({:{id:i4} radius:f4})");
  EXPECT_EQ(program.prototype("shapes::counted"), "object(object, i4)");
  EXPECT_EQ(program.prototype("shapes::held"), "i4(i4, object, i4)");
  EXPECT_EQ(program.prototype("shapes::copied"), "i4(object, i4)");
  EXPECT_EQ(program.prototype("shapes::strings"), "object(object, i4)");
  EXPECT_EQ(program.prototype("shapes::Shape::area"), "f8(address, f8)");
  EXPECT_EQ(program.prototype("shapes::nothing"), "i4(address, c1, c2, string)");
  if (GetParam() == std::string_view("optimised")) return;  // these are inlined
  EXPECT_EQ(program.prototype("shapes::Shape::count"), "i4(bool)");
  EXPECT_EQ(program.prototype("shapes::Shape::Shape"), "void(address, i4, string)");
}

INSTANTIATE_TEST_SUITE_P(Prototypes, EveryObject,
                         testing::Values("dwarf5", "dwarf4", "dwarf3", "compressed", "types",
                                         "optimised"));

TEST(Prototypes, WithoutDebugInformation) {
  Program program(folder() + "values_stripped");
  EXPECT_EQ(program.read_all(), 0u);
}

TEST(Prototypes, SharedWithNoFile) {
  Program program(folder() + "values_shared");
  EXPECT_EQ(program.read_all(), 0u);
}

TEST(Prototypes, ClonesHaveTheirOwnParameters) {
  for (const char* clone : {"f.isra.0", "f.constprop.1", "f.part.0", "f.constprop.0.isra.0"})
    EXPECT_FALSE(has_its_own_parameters(clone)) << clone;
  for (const char* whole : {"f", "f.lto_priv.0", "f.avx2", "_Z4partv"})
    EXPECT_TRUE(has_its_own_parameters(whole)) << whole;
}

TEST(Prototypes, AFileThatWasReplacedSaysNothing) {
  TemporaryFolder temporary;
  const std::string path = temporary.path() + "/program";
  std::filesystem::copy_file(folder() + "values_dwarf5", path);
  Program program(path);
  std::filesystem::remove(path);
  std::filesystem::copy_file(folder() + "objects_dwarf5", path);
  EXPECT_EQ(program.read_all(), 0u);
}

class Damaged : public testing::Test {
 protected:
  Damaged() {
    std::ifstream in(folder() + "values_dwarf5", std::ios::binary);
    whole_.assign(std::istreambuf_iterator<char>(in), {});
  }
  // Of the section, whose place `objdump -h` has told at build time.
  std::pair<size_t, size_t> section(const std::string& name) {
    std::ifstream in(folder() + "values_dwarf5.sections");
    for (std::string word; in >> word;)
      if (size_t offset = 0, size = 0; word == name && in >> std::hex >> offset >> size)
        return {offset, size};
    return {0, 0};
  }
  size_t read(const std::string& bytes) {
    const std::string path = temporary_.path() + "/damaged";
    std::filesystem::remove(path);
    return Program(temporary_.write("damaged", bytes)).read_all();
  }

  TemporaryFolder temporary_;
  std::string whole_;
};

// Whatever the bytes are, each function is read, or not, in an end.
TEST_F(Damaged, RandomBytes) {
  ASSERT_GT(read(whole_), 20u);
  std::mt19937 random(42);
  for (const char* name : {".debug_info", ".debug_abbrev", ".debug_rnglists", ".debug_str"}) {
    const auto [offset, size] = section(name);
    if (size == 0) continue;
    for (int round = 0; round < 60; round++) {
      std::string bytes = whole_;
      for (int i = 0; i <= round / 4; i++)
        bytes[offset + random() % size] = static_cast<char>(random());
      read(bytes);
    }
  }
}

// Each reference to a type in turn leads back to the entry that has it (a typedef of itself, a
// structure with itself in it), and to the parent of that.
TEST_F(Damaged, Cycles) {
  const size_t offset = section(".debug_info").first;
  const auto patched = [&](const TypeReference& one, uint32_t target) {
    std::string bytes = whole_;
    std::memcpy(&bytes[offset + one.place], &target, sizeof target);
    return bytes;
  };
  const auto references = type_references(folder() + "values_dwarf5");
  ASSERT_GT(references.size(), 50u);
  for (const TypeReference& one : references) {
    read(patched(one, one.entry));
    read(patched(one, one.parent));
  }
}

}  // namespace
}  // namespace wc
