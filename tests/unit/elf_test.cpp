// What the launcher learns of an ELF file: its kind and its functions; and that no damaged file
// does worse than an error.
#include <gmock/gmock.h>
#include <sys/xattr.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "elf/image.h"
#include "elf_craft.h"

namespace wc {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

Image image_of(const std::string& content) {
  const MemoryFile file(content);
  auto image = read_image(file.path(), true);
  EXPECT_TRUE(image.ok()) << (image.ok() ? "" : image.error().message);
  return image.ok() ? *image : Image{};
}

std::string error_of(const std::string& content) {
  const MemoryFile file(content);
  const auto image = read_image(file.path(), true);
  return image.ok() ? "no error" : image.error().message;
}

constexpr const char* kLoader = "/lib64/ld-linux-x86-64.so.2";

// ---- kinds of files ----

TEST(Image, KnowsAnOrdinaryProgram) {
  const Image image =
      image_of(craft<Elf64Types>({.interpreter = kLoader, .needed = {"libc.so.6", "libm.so.6"}}));
  EXPECT_TRUE(image.is_elf && image.is_64_bit && image.is_x86_64 && image.is_dynamic);
  EXPECT_FALSE(image.is_musl || image.set_id);
  EXPECT_EQ(kLoader, image.interpreter);
  EXPECT_THAT(image.needed, ElementsAre("libc.so.6", "libm.so.6"));
}

TEST(Image, ASharedLibraryIsDynamicWithoutInterpreter) {
  EXPECT_TRUE(image_of(craft<Elf64Types>({})).is_dynamic);
}

TEST(Image, AStaticPieIsNotDynamicThoughItHasADynamicSection) {
  EXPECT_FALSE(image_of(craft<Elf64Types>({.flags_1 = DF_1_PIE})).is_dynamic);
}

TEST(Image, AStaticProgramIsNotDynamic) {
  EXPECT_FALSE(image_of(craft<Elf64Types>({.type = ET_EXEC, .dynamic = false})).is_dynamic);
}

TEST(Image, TheLinkersStaticProgramsAreNotDynamic) {
  for (const char* path : {ELF_STATIC, ELF_STATIC_PIE}) {
    const auto image = read_image(path, true);
    ASSERT_TRUE(image.ok()) << image.error().message;
    EXPECT_TRUE(image->is_x86_64);
    EXPECT_FALSE(image->is_dynamic) << path;
    EXPECT_THAT(LibraryCache().closure(*image, ""), IsEmpty());
  }
}

TEST(Image, A32BitProgramIsNeither64BitNorX8664) {
  const Image image = image_of(craft<Elf32Types>(
      {.machine = EM_386, .interpreter = "/lib/ld-linux.so.2", .needed = {"libc.so.6"}}));
  EXPECT_TRUE(image.is_elf && image.is_dynamic);
  EXPECT_FALSE(image.is_64_bit || image.is_x86_64);
  EXPECT_EQ("/lib/ld-linux.so.2", image.interpreter);
}

TEST(Image, X32IsNotX8664ThoughItsMachineIs) {
  const Image image = image_of(craft<Elf32Types>({.interpreter = "/libx32/ld-linux-x32.so.2"}));
  EXPECT_FALSE(image.is_64_bit || image.is_x86_64);
}

TEST(Image, AnotherArchitectureIs64BitButNotX8664) {
  const Image image = image_of(craft<Elf64Types>({.machine = EM_AARCH64}));
  EXPECT_TRUE(image.is_64_bit);
  EXPECT_FALSE(image.is_x86_64);
}

TEST(Image, ABigEndianProgramIsNoErrorAndNotX8664) {
  std::string file = craft<Elf64Types>({});
  file[EI_DATA] = ELFDATA2MSB;
  const Image image = image_of(file);
  EXPECT_TRUE(image.is_elf);
  EXPECT_FALSE(image.is_x86_64);
}

TEST(Image, MuslIsKnownByItsLoader) {
  EXPECT_TRUE(image_of(craft<Elf64Types>({.interpreter = "/lib/ld-musl-x86_64.so.1"})).is_musl);
  EXPECT_FALSE(image_of(craft<Elf64Types>({.interpreter = kLoader})).is_musl);
}

TEST(Image, MuslIsKnownByItsLibc) {
  for (const char* libc : {"libc.so", "libc.musl-x86_64.so.1"})
    EXPECT_TRUE(image_of(craft<Elf64Types>({.needed = {libc}})).is_musl) << libc;
  EXPECT_FALSE(image_of(craft<Elf64Types>({.needed = {"libc.so.6"}})).is_musl);
}

TEST(Image, SetIdBitsAreSeenAsTheKernelSeesThem) {
  Folder folder;
  const std::string program = craft<Elf64Types>({.interpreter = kLoader});
  const auto set_id = [&](mode_t mode) {
    return read_image(folder.write("program" + std::to_string(mode), program, mode), false)->set_id;
  };
  EXPECT_FALSE(set_id(0755));
  EXPECT_TRUE(set_id(04755));
  EXPECT_TRUE(set_id(02755));
  EXPECT_FALSE(set_id(02745)) << "set-group-ID without group execution means mandatory locking";
}

TEST(Image, FileCapabilitiesCountAsSetId) {
  Folder folder;
  const std::string path = folder.write("capable", craft<Elf64Types>({.interpreter = kLoader}));
  // struct vfs_cap_data, revision 2: effective flag, CAP_NET_RAW permitted.
  const uint32_t capability[] = {0x02000001, 1U << 13, 0, 0, 0};
  if (::setxattr(path.c_str(), "security.capability", capability, sizeof capability, 0) != 0)
    GTEST_SKIP() << "cannot set file capabilities here: " << std::strerror(errno);
  EXPECT_TRUE(read_image(path, false)->set_id);
}

TEST(Image, WhatIsNoElfFileIsNoError) {
  for (const char* content : {"", "#", "#!/bin/sh\n",
                              "\x7f"
                              "EL",
                              "plain text"}) {
    const Image image = image_of(content);
    EXPECT_FALSE(image.is_elf) << content;
  }
}

TEST(Image, WhatCannotBeExecutedIsRefusedInWords) {
  EXPECT_THAT(error_of(craft<Elf64Types>({.type = ET_REL})), HasSubstr("neither a program nor"));
  EXPECT_THAT(error_of(craft<Elf64Types>({.type = ET_CORE})), HasSubstr("neither a program nor"));
}

TEST(Image, FilesThatCannotBeReadAreNamed) {
  Folder folder;
  const auto missing = read_image(folder / "missing", true);
  ASSERT_FALSE(missing.ok());
  EXPECT_EQ(ENOENT, missing.error().code);
  EXPECT_THAT(missing.error().message, HasSubstr(folder / "missing"));
  EXPECT_FALSE(read_image(folder / ".", true).ok());
  ASSERT_EQ(0, ::mkfifo((folder / "fifo").c_str(), 0600));
  EXPECT_FALSE(read_image(folder / "fifo", true).ok()) << "and does not wait for a writer";
}

// ---- functions ----

const ExportedFunction* find(const Image& image, const std::string& name,
                             const std::string& version) {
  for (const auto& function : image.functions)
    if (function.name == name && function.version == version) return &function;
  return nullptr;
}

TEST(Functions, OfEachKindAreTakenOrLeft) {
  const auto image = read_image(ELF_EXPORTS, true);
  ASSERT_TRUE(image.ok()) << image.error().message;
  std::vector<std::string> names;
  for (const auto& function : image->functions)
    names.push_back(function.name + (function.default_version ? "@@" : "@") + function.version +
                    (function.ifunc ? " ifunc" : ""));
  EXPECT_THAT(names, testing::UnorderedElementsAre(
                         "fixture_plain@@FIXTURE_1", "fixture_alias@@FIXTURE_1",
                         "fixture_weak@@FIXTURE_1", "fixture_protected@@FIXTURE_1",
                         "fixture_versioned@FIXTURE_1", "fixture_versioned@@FIXTURE_2",
                         "fixture_ifunc@@FIXTURE_1 ifunc", "fixture_user@@FIXTURE_1"));
  EXPECT_EQ(find(*image, "fixture_plain", "FIXTURE_1")->address,
            find(*image, "fixture_alias", "FIXTURE_1")->address);
}

TEST(Functions, AreReadOnlyWhenAskedFor) {
  EXPECT_THAT(read_image(ELF_EXPORTS, false)->functions, IsEmpty());
}

TEST(Functions, OfLibcAreAllThere) {
  LibraryCache cache;
  const auto libc = cache.find("libc.so.6", "");
  ASSERT_NE(nullptr, libc);
  EXPECT_EQ("libc.so.6", libc->soname);
  EXPECT_GT(libc->functions.size(), 2000U);
  for (const char* name : {"printf", "write", "malloc", "fopen", "__libc_start_main"}) {
    const auto found = std::ranges::find_if(libc->functions, [&](const ExportedFunction& f) {
      return f.name == name && f.default_version;
    });
    ASSERT_NE(libc->functions.end(), found) << name;
    EXPECT_THAT(found->version, testing::StartsWith("GLIBC_2."));
  }
  EXPECT_FALSE(find(*libc, "memcpy", "GLIBC_2.2.5")->default_version);
  EXPECT_TRUE(find(*libc, "memcpy", "GLIBC_2.14")->ifunc);
}

// ---- damage ----

TEST(Damage, EveryPrefixOfALibraryIsReadOrRefused) {
  const std::string content = content_of(ELF_EXPORTS);
  MemoryFile file(content);
  for (size_t size = content.size(); size-- > 0;) {
    file.truncate(size);
    const auto image = read_image(file.path(), true);
    const bool header_is_cut = size >= SELFMAG && size < sizeof(Elf64_Ehdr);
    ASSERT_FALSE(header_is_cut && image.ok()) << size;
    if (image.ok()) continue;
    ASSERT_THAT(image.error().message, HasSubstr(file.path()));
  }
}

TEST(Damage, PrefixesOfLibcAreReadOrRefused) {
  LibraryCache cache;
  const std::string content = content_of(cache.find("libc.so.6", "")->path);
  MemoryFile file(content);
  for (size_t size = content.size(); size > 4099; size -= 4099) {
    file.truncate(size);
    (void)read_image(file.path(), true);
  }
}

// Every byte of the headers and tables, each to values that break sizes, offsets and signs.
TEST(Damage, EveryDamagedByteIsSurvived) {
  const std::string content = content_of(ELF_EXPORTS);
  MemoryFile file(content);
  const size_t tables = std::min<size_t>(content.size(), 0x600);
  for (size_t at = SELFMAG; at < tables; ++at) {
    for (const char value : {'\x00', '\x01', '\x7f', '\x80', '\xff'}) {
      file.write(static_cast<off_t>(at), &value, 1);
      (void)read_image(file.path(), true);
    }
    file.write(static_cast<off_t>(at), &content[at], 1);
  }
}

TEST(Damage, AnAbsurdNumberOfSectionsIsRefusedBeforeMemoryIsAllocated) {
  std::string file = craft<Elf64Types>({});
  Elf64_Ehdr header;
  std::memcpy(&header, file.data(), sizeof header);
  header.e_shoff = (file.size() + 7) / 8 * 8;
  header.e_shentsize = sizeof(Elf64_Shdr);
  std::memcpy(file.data(), &header, sizeof header);
  Elf64_Shdr section = {};
  section.sh_size = 0x7fffffff;
  file.resize(header.e_shoff + sizeof section);
  std::memcpy(file.data() + header.e_shoff, &section, sizeof section);
  EXPECT_THAT(error_of(file), HasSubstr("more sections than the file can hold"));
}

TEST(Damage, ASparseFileDoesNotExhaustMemory) {
  const std::string content = content_of(ELF_EXPORTS);
  MemoryFile file(content);
  file.truncate(size_t{1} << 42);  // a hole: costs nothing
  EXPECT_TRUE(read_image(file.path(), true).ok());
}

// ---- scripts ----

TEST(Script, InterpreterIsReadAsTheKernelReadsIt) {
  Folder folder;
  const auto interpreter = [&](const std::string& content) {
    return script_interpreter(folder.write("script", content));
  };
  EXPECT_EQ("/bin/sh", interpreter("#!/bin/sh\n"));
  EXPECT_EQ("/usr/bin/env", interpreter("#! \t/usr/bin/env python3\n"));
  EXPECT_EQ("/bin/sh", interpreter("#!/bin/sh")) << "the file may end without newline";
  EXPECT_EQ("", interpreter("#!\n/bin/sh\n"));
  EXPECT_EQ("", interpreter("# /bin/sh\n"));
  EXPECT_EQ("", interpreter("#!"));
  EXPECT_EQ("", interpreter(""));
  EXPECT_EQ("", interpreter("#!/" + std::string(300, 'x') + "\n")) << "cut, so the kernel refuses";
  EXPECT_EQ("", script_interpreter("/proc/self/exe"));
  EXPECT_EQ("", script_interpreter(folder / "missing"));
}

}  // namespace
}  // namespace wc
