// Which mappings are an object's text, and which were made at run time.
#include "breakpoints/code_map.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <string>

namespace wc {
namespace {

CodeKind kind_in(const std::string& maps, uint64_t address) {
  auto parsed = proc::Maps::parse(maps);
  for (size_t i = 0; i < parsed.all().size(); i++)
    if (parsed.all()[i].range.contains(address)) return kind_of(parsed.all(), i);
  return CodeKind::None;
}

constexpr const char* kMaps =
    "00400000-00401000 r--p 00000000 fe:00 7 /bin/x\n"
    "00401000-00402000 r-xp 00000000 00:00 0 \n"
    "00402000-00403000 r-xp 00002000 fe:00 7 /bin/x\n"
    "00403000-00404000 rw-p 00003000 fe:00 7 /bin/x\n"
    "00404000-00405000 rwxp 00000000 00:00 0 \n"
    "00500000-00501000 rwxs 00000000 00:01 9 /memfd:jit (deleted)\n"
    "00600000-00601000 r-xp 00000000 fe:00 8 /lib/y.so (deleted)\n"
    "00601000-00602000 r-xp 00000000 00:00 0 \n"
    "00602000-00603000 r--p 00000000 fe:00 9 /lib/z.so\n"
    "00700000-00701000 r-xp 00000000 00:00 0 [vdso]\n"
    "00800000-00801000 r-xs 00000000 fe:00 8 /tmp/shared\n";

TEST(CodeMap, KindsOfMappings) {
  EXPECT_EQ(kind_in(kMaps, 0x400000), CodeKind::None);
  EXPECT_EQ(kind_in(kMaps, 0x401000), CodeKind::OfObject) << "copied for large pages";
  EXPECT_EQ(kind_in(kMaps, 0x402000), CodeKind::OfObject);
  EXPECT_EQ(kind_in(kMaps, 0x403000), CodeKind::None);
  EXPECT_EQ(kind_in(kMaps, 0x404000), CodeKind::Generated) << "behind the data";
  EXPECT_EQ(kind_in(kMaps, 0x500000), CodeKind::Generated);
  EXPECT_EQ(kind_in(kMaps, 0x600000), CodeKind::OfObject) << "replaced on disk";
  EXPECT_EQ(kind_in(kMaps, 0x601000), CodeKind::Generated) << "between two objects";
  EXPECT_EQ(kind_in(kMaps, 0x700000), CodeKind::Generated);
  EXPECT_EQ(kind_in(kMaps, 0x800000), CodeKind::Generated);
}

TEST(CodeMap, SeesWhatIsMappedLater) {
  CodeMap map;
  auto here = reinterpret_cast<uint64_t>(&kind_of);
  EXPECT_EQ(map.at(getpid(), here), CodeKind::OfObject);
  static int data;
  EXPECT_EQ(map.at(getpid(), reinterpret_cast<uint64_t>(&data)), CodeKind::None);
  EXPECT_EQ(map.at(getpid(), 4), CodeKind::None);
  void* page = mmap(nullptr, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(page, MAP_FAILED);
  EXPECT_EQ(map.at(getpid(), reinterpret_cast<uint64_t>(page)), CodeKind::None);
  ASSERT_EQ(mprotect(page, 4096, PROT_READ | PROT_EXEC), 0);
  EXPECT_EQ(map.at(getpid(), reinterpret_cast<uint64_t>(page)), CodeKind::Generated);
  munmap(page, 4096);
}

}  // namespace
}  // namespace wc
