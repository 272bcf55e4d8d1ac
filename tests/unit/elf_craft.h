// Small ELF files made by hand, and places to put them, for the tests of the ELF reader.
#pragma once

#include <elf.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include "base/scoped_fd.h"

namespace wc {

class Folder {
 public:
  Folder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "wc-elf-XXXXXX").string();
    path_ = ::mkdtemp(pattern.data());
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  [[nodiscard]] std::string operator/(const std::string& name) const { return path_ / name; }
  std::string write(const std::string& name, const std::string& content, mode_t mode = 0644) {
    const std::string path = path_ / name;
    std::ofstream(path, std::ios::binary) << content;
    ::chmod(path.c_str(), mode);
    return path;
  }

 private:
  std::filesystem::path path_;
};

inline std::string content_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// A file in memory that has a path, for tests that read thousands of variants.
class MemoryFile {
 public:
  explicit MemoryFile(const std::string& content) : fd_(::memfd_create("elf", MFD_CLOEXEC)) {
    write(0, content.data(), content.size());
  }
  void write(off_t at, const void* bytes, size_t size) {
    ASSERT_EQ(static_cast<ssize_t>(size), ::pwrite(fd_.get(), bytes, size, at));
  }
  void truncate(size_t size) { ASSERT_EQ(0, ::ftruncate(fd_.get(), static_cast<off_t>(size))); }
  [[nodiscard]] std::string path() const { return "/proc/self/fd/" + std::to_string(fd_.get()); }

 private:
  ScopedFd fd_;
};

struct Elf32Types {
  using Ehdr = Elf32_Ehdr;
  using Phdr = Elf32_Phdr;
  using Dyn = Elf32_Dyn;
  static constexpr unsigned char kClass = ELFCLASS32;
};
struct Elf64Types {
  using Ehdr = Elf64_Ehdr;
  using Phdr = Elf64_Phdr;
  using Dyn = Elf64_Dyn;
  static constexpr unsigned char kClass = ELFCLASS64;
};

struct Recipe {
  uint16_t machine = EM_X86_64;
  uint16_t type = ET_DYN;
  std::string interpreter;
  std::vector<std::string> needed;
  uint64_t flags_1 = 0;
  bool dynamic = true;
};

// The smallest file that has what the recipe names: header, one PT_LOAD for all, strings, tags.
template <typename Types>
std::string craft(const Recipe& recipe) {
  std::string strings(1, '\0');
  std::vector<std::pair<int64_t, uint64_t>> tags;
  for (const auto& name : recipe.needed) {
    tags.emplace_back(DT_NEEDED, strings.size());
    strings += name + '\0';
  }
  constexpr size_t kSegments = 3;
  const size_t strings_at = sizeof(typename Types::Ehdr) + kSegments * sizeof(typename Types::Phdr);
  tags.insert(tags.end(), {{DT_STRTAB, strings_at},
                           {DT_STRSZ, strings.size()},
                           {DT_FLAGS_1, recipe.flags_1},
                           {DT_NULL, 0}});
  const size_t interpreter_at = strings_at + strings.size();
  const size_t dynamic_at = (interpreter_at + recipe.interpreter.size() + 8) / 8 * 8;
  const size_t end = dynamic_at + tags.size() * sizeof(typename Types::Dyn);

  typename Types::Ehdr header = {};
  std::memcpy(header.e_ident, ELFMAG, SELFMAG);
  header.e_ident[EI_CLASS] = Types::kClass;
  header.e_ident[EI_DATA] = ELFDATA2LSB;
  header.e_ident[EI_VERSION] = EV_CURRENT;
  header.e_type = recipe.type;
  header.e_machine = recipe.machine;
  header.e_version = EV_CURRENT;
  header.e_phoff = sizeof header;
  header.e_ehsize = sizeof header;
  header.e_phentsize = sizeof(typename Types::Phdr);
  header.e_phnum = kSegments;

  std::string file(end, '\0');
  std::memcpy(file.data(), &header, sizeof header);
  const auto put_segment = [&](size_t i, uint32_t type, size_t at, size_t size) {
    typename Types::Phdr segment = {};
    segment.p_type = type;
    segment.p_offset = at;
    segment.p_vaddr = at;
    segment.p_filesz = segment.p_memsz = size;
    std::memcpy(file.data() + sizeof header + i * sizeof segment, &segment, sizeof segment);
  };
  put_segment(0, PT_LOAD, 0, end);
  put_segment(1, recipe.interpreter.empty() ? PT_NULL : PT_INTERP, interpreter_at,
              recipe.interpreter.size() + 1);
  put_segment(2, recipe.dynamic ? PT_DYNAMIC : PT_NULL, dynamic_at, end - dynamic_at);
  strings.copy(file.data() + strings_at, strings.size());
  recipe.interpreter.copy(file.data() + interpreter_at, recipe.interpreter.size());
  for (size_t i = 0; i < tags.size(); ++i) {
    typename Types::Dyn tag = {};
    tag.d_tag = static_cast<decltype(tag.d_tag)>(tags[i].first);
    tag.d_un.d_val = static_cast<decltype(tag.d_un.d_val)>(tags[i].second);
    std::memcpy(file.data() + dynamic_at + i * sizeof tag, &tag, sizeof tag);
  }
  return file;
}

}  // namespace wc
