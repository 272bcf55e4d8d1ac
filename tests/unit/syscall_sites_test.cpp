// Which places may be patched, and what with: golden/syscall_sites.txt, and this machine's libc and
// ld.so against a disassembler that is not ours.
#include "patch/syscall_sites.h"

#include <gtest/gtest.h>
#include <link.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <set>
#include <sstream>

#include "patch/site_thunk.h"

namespace wc {
namespace {

using Bytes = std::vector<uint8_t>;
constexpr uint64_t kThunk = 0x100000, kSite = 0x200000;
constexpr int64_t kSelector = -0x40;

struct Expected {
  bool patched = false;
  uint64_t start = 0;  // in the code
  uint32_t nr = 0;
  Bytes thunk;
  std::string why;
};

struct Shape {
  std::string name, catches;
  CodeImage image;
  uint64_t address = 0x1000;
  std::vector<Expected> expected;
};
void PrintTo(const Shape& shape, std::ostream* out) { *out << shape.name << ": " << shape.catches; }

// "b8 27 90*3"
Bytes read_bytes(std::istream& words) {
  Bytes bytes;
  for (std::string word; words >> word;) {
    size_t star = word.find('*');
    size_t count = star == word.npos ? 1 : std::stoul(word.substr(star + 1));
    bytes.insert(bytes.end(), count, static_cast<uint8_t>(std::stoul(word, nullptr, 16)));
  }
  return bytes;
}

void read_line(const std::string& key, std::istringstream& rest, Shape& shape, Bytes& code) {
  rest >> std::hex;
  if (key == "code") {
    code = read_bytes(rest);
  } else if (key == "address") {
    rest >> shape.address;
  } else if (key == "functions") {
    char dash;
    for (FunctionRange one; rest >> one.begin >> dash >> one.end;)
      shape.image.functions.push_back(one);
  } else if (key == "data") {
    Segment segment;
    rest >> segment.address;
    segment.bytes = read_bytes(rest);
    shape.image.segments.push_back(std::move(segment));
  } else if (key == "patch") {
    Expected& one = shape.expected.emplace_back();
    one.patched = true;
    rest >> one.start >> std::dec >> one.nr;
  } else if (key == "thunk") {
    shape.expected.back().thunk = read_bytes(rest);
  } else if (key == "refuse") {
    rest >> shape.expected.emplace_back().why;
  }
}

void finish(Shape& shape, Bytes code) {
  if (shape.image.functions.empty()) shape.image.functions.push_back({0, code.size()});
  for (FunctionRange& one : shape.image.functions)
    one = {one.begin + shape.address, one.end + shape.address};
  shape.image.segments.push_back({shape.address, 0, true, std::move(code)});
}

std::vector<Shape> read_shapes() {
  std::ifstream file(WC_GOLDEN_SITES);
  std::vector<Shape> shapes;
  Bytes code;
  for (std::string line; std::getline(file, line);) {
    std::istringstream rest(line);
    std::string key;
    if (!(rest >> key) || key[0] == '#') continue;
    if (key == "shape") {
      if (!shapes.empty()) finish(shapes.back(), std::exchange(code, {}));
      rest >> shapes.emplace_back().name;
    } else if (key == "catches") {
      std::getline(rest >> std::ws, shapes.back().catches);
    } else {
      read_line(key, rest, shapes.back(), code);
    }
  }
  if (!shapes.empty()) finish(shapes.back(), std::move(code));
  return shapes;
}

std::string in_hex(const Bytes& bytes) {
  std::string text;
  for (uint8_t byte : bytes) {
    char digits[4];
    std::snprintf(digits, sizeof digits, "%02x ", byte);
    text += digits;
  }
  return text;
}

std::string name_of(SiteRefusal why) {
  constexpr const char* kNames[] = {"NoNumber", "UnknownNumber", "Control",    "Immovable",
                                    "TooLong",  "Entered",       "NotReached", "NoFunction"};
  static_assert(std::size(kNames) == static_cast<size_t>(kLastRefusal) + 1);
  return kNames[static_cast<size_t>(why)];
}

class Golden : public testing::TestWithParam<Shape> {};
TEST_P(Golden, IsDecidedAndMovedAsWritten) {
  const Shape& shape = GetParam();
  auto found = find_syscall_sites(shape.image);
  std::vector<std::string> refused;
  for (const RefusedSite& one : found.refused) refused.push_back(name_of(one.why));
  std::vector<std::string> expected_refused;
  size_t patched = 0;
  ShimAddresses shim;
  shim.site = kSite;
  shim.selector_offset = kSelector;
  for (const Expected& one : shape.expected) {
    if (!one.patched) {
      expected_refused.push_back(one.why);
      continue;
    }
    ASSERT_LT(patched, found.sites.size()) << shape.catches;
    const SyscallSite& site = found.sites[patched++];
    EXPECT_EQ(site.start - shape.address, one.start) << shape.catches;
    EXPECT_EQ(site.nr, one.nr) << shape.catches;
    SiteThunk thunk(site, 0, kThunk, shim);
    EXPECT_TRUE(thunk.fits());
    EXPECT_EQ(in_hex({thunk.bytes(), thunk.bytes() + kThunkSize}), in_hex(one.thunk))
        << shape.catches;
  }
  EXPECT_EQ(found.sites.size(), patched) << shape.catches;
  EXPECT_EQ(refused, expected_refused) << shape.catches;
}
INSTANTIATE_TEST_SUITE_P(Shapes, Golden, testing::ValuesIn(read_shapes()), [](const auto& one) {
  std::string name = one.param.name;
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
});

// A patched site may stand in a leaf function, whose variables lie below the stack pointer.
TEST(SiteThunk, KeepsOffTheRedZone) {
  SyscallSite site;
  site.syscall = kThunk;
  SiteThunk thunk(site, 0, kThunk, ShimAddresses{});
  const Bytes moves = {0x48, 0x8d, 0x64, 0x24, 0x80};  // lea -128(%rsp), %rsp
  const uint8_t* at = thunk.bytes() + kThunkInScope;
  EXPECT_EQ(Bytes(at, at + moves.size()), moves);
  EXPECT_EQ(thunk.bytes()[kThunkCall], 0xe8);
  const Bytes moves_back = {0x48, 0x8d, 0xa4, 0x24, 0x80, 0, 0, 0};  // lea 128(%rsp), %rsp
  at = thunk.bytes() + kThunkCalled - moves_back.size();
  EXPECT_EQ(Bytes(at, at + moves_back.size()), moves_back);
}

TEST(SiteThunk, RefusesWhatIsOutOfReach) {
  SyscallSite site;
  site.syscall = uint64_t{3} << 32;
  EXPECT_FALSE(SiteThunk(site, 0, kThunk, ShimAddresses{}).fits());
  site.syscall = kThunk;
  EXPECT_TRUE(SiteThunk(site, 0, kThunk, ShimAddresses{}).fits());
  // An operand relative to rip, a little too far away.
  site.moved = {0x48, 0x8d, 0x35, 0, 0, 0, 0};
  site.fixups = {{3, 7, kThunk + 7 + INT32_MAX}};
  EXPECT_TRUE(SiteThunk(site, 0, kThunk, ShimAddresses{}).fits());
  site.fixups[0].target++;
  EXPECT_FALSE(SiteThunk(site, 0, kThunk, ShimAddresses{}).fits());
}

// Where objdump(1) sees a syscall instruction.
std::set<uint64_t> disassembled(const std::string& path) {
  std::set<uint64_t> found;
  std::string command = std::string(WC_OBJDUMP) + " -d --no-show-raw-insn '" + path + "'";
  FILE* pipe = popen(command.c_str(), "r");
  if (pipe == nullptr) return found;
  char line[4096];
  while (fgets(line, sizeof line, pipe) != nullptr) {
    char what[16];
    unsigned long address;
    if (std::sscanf(line, " %lx: %15s", &address, what) == 2 && std::string(what) == "syscall")
      found.insert(address);
  }
  pclose(pipe);
  return found;
}

std::string loaded_library(const char* soname) {
  std::string path;
  std::pair<const char*, std::string*> wanted{soname, &path};
  dl_iterate_phdr(
      [](dl_phdr_info* info, size_t, void* data) {
        auto& [name, found] = *static_cast<decltype(wanted)*>(data);
        if (std::string(info->dlpi_name).find(name) != std::string::npos) *found = info->dlpi_name;
        return 0;
      },
      &wanted);
  return path;
}

class OfThisMachine : public testing::TestWithParam<const char*> {};
TEST_P(OfThisMachine, EverySyscallIsPatchedOrNamed) {
  std::string path = loaded_library(GetParam());
  ASSERT_FALSE(path.empty());
  auto found = find_syscall_sites(path);
  ASSERT_TRUE(found) << found.error().message;
  std::set<uint64_t> named;
  for (const SyscallSite& site : found->sites) EXPECT_TRUE(named.insert(site.syscall).second);
  for (const RefusedSite& site : found->refused) {
    EXPECT_TRUE(named.insert(site.syscall).second);
    std::printf("%s+%#lx is not patched: %s\n", GetParam(), site.syscall, reason(site.why));
  }
  for (uint64_t address : disassembled(path))
    EXPECT_TRUE(named.count(address)) << std::hex << address << " is neither patched nor named";
  // Debian 12: 479 of 526 and 38 of 46.
  EXPECT_GE(found->sites.size() * 10, named.size() * 7);
  for (const SyscallSite& site : found->sites) {
    EXPECT_GE(site.original.size(), kJumpSize);
    EXPECT_EQ(site.start + site.original.size(), site.syscall);
  }
}
INSTANTIATE_TEST_SUITE_P(Libraries, OfThisMachine,
                         testing::Values("libc.so.6", "ld-linux-x86-64.so.2"), [](const auto& one) {
                           return std::string(one.param,
                                              std::string(one.param).find_first_of("-."));
                         });

}  // namespace
}  // namespace wc
