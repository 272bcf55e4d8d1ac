#include "elf/image.h"

#include <gelf.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <string_view>

#include "base/scoped_fd.h"
#include "base/text.h"
#include "elf/dynamic_table.h"
#include "elf/elf_handle.h"

namespace wc {

namespace {

constexpr size_t kMaxProgramHeaders = 65536 / sizeof(Elf64_Phdr);  // the kernel refuses more
constexpr uint64_t kMaxNotes = 65536;
constexpr uint64_t kMaxInterpreter = 4096;  // PATH_MAX, as in the kernel

Error bad_elf(const std::string& path, const std::string& what) {
  return Error{path + ": " + what, ENOEXEC};
}

// As execve(2) sees it: a set-group-ID bit without group execution means mandatory locking.
bool runs_with_other_identity(int fd, const struct stat& status) {
  constexpr mode_t kSetGroup = S_ISGID | S_IXGRP;
  return (status.st_mode & S_ISUID) != 0 || (status.st_mode & kSetGroup) == kSetGroup ||
         ::fgetxattr(fd, "security.capability", nullptr, 0) > 0;
}

// musl is loader and libc in one file; Alpine names it libc.musl-ARCH.so.1, musl-gcc libc.so.
bool names_musl(const Image& image) {
  if (base_name(image.interpreter).starts_with("ld-musl-")) return true;
  const auto is_musl_libc = [](std::string_view name) {
    return name == "libc.so" || name.starts_with("libc.musl-");
  };
  if (is_musl_libc(image.soname) || image.soname.starts_with("ld-musl-")) return true;
  for (const auto& library : image.needed)
    if (is_musl_libc(library)) return true;
  return false;
}

class Reader {
 public:
  Reader(const std::string& path, int fd, const struct stat& status) : fd_(fd), status_(status) {
    image_.path = path;
    image_.soname = base_name(path);
  }

  Result<Image> read(bool with_functions);
  Result<std::vector<std::string>> references();

 private:
  Status read_ident();
  Status read_header();
  Status read_segments();
  Status read_interpreter(const GElf_Phdr& segment);
  void read_notes(const GElf_Phdr& segment);
  Status read_dynamic(bool with_functions);

  int fd_;
  const struct stat& status_;
  Image image_;
  ElfHandle elf_;
  std::vector<GElf_Phdr> loads_;
  std::vector<GElf_Phdr> dynamic_;  // none or one
  bool little_endian_ = false;
};

Result<Image> Reader::read(bool with_functions) {
  image_.set_id = runs_with_other_identity(fd_, status_);
  if (auto ident = read_ident(); !ident.ok()) return ident.error();
  // A big-endian file is of another architecture: nothing in it matters here.
  if (!image_.is_elf || !little_endian_) return std::move(image_);
  if (auto header = read_header(); !header.ok()) return header.error();
  if (auto segments = read_segments(); !segments.ok()) return segments.error();
  if (auto dynamic = read_dynamic(with_functions); !dynamic.ok()) return dynamic.error();
  image_.is_musl = names_musl(image_);
  return std::move(image_);
}

// Sets what e_ident says; a file without the magic number is a script or data, which is no error.
Status Reader::read_ident() {
  std::array<unsigned char, EI_NIDENT> ident = {};
  const ssize_t size = ::pread(fd_, ident.data(), ident.size(), 0);
  if (size < 0) return Error::from_errno("cannot read " + image_.path, errno);
  if (size < SELFMAG || std::memcmp(ident.data(), ELFMAG, SELFMAG) != 0) return Done{};
  image_.is_elf = true;
  image_.is_64_bit = ident[EI_CLASS] == ELFCLASS64;
  little_endian_ = ident[EI_DATA] != ELFDATA2MSB;
  return Done{};
}

Status Reader::read_header() {
  auto opened = open_elf(fd_, image_.path);
  if (!opened) return opened.error();
  elf_ = std::move(*opened);
  GElf_Ehdr header;
  if (gelf_getehdr(elf_.get(), &header) == nullptr)
    return bad_elf(image_.path, std::string("damaged ELF file: ") + elf_errmsg(-1));
  // The x32 ABI is EM_X86_64 too, in ELFCLASS32.
  image_.is_x86_64 = image_.is_64_bit && header.e_machine == EM_X86_64;
  if (header.e_type != ET_EXEC && header.e_type != ET_DYN)
    return bad_elf(image_.path, "an ELF file, but neither a program nor a shared library");
  return Done{};
}

Status Reader::read_segments() {
  size_t count = 0;
  if (elf_getphdrnum(elf_.get(), &count) != 0 || count > kMaxProgramHeaders)
    return bad_elf(image_.path, "damaged ELF file: impossible number of program headers");
  for (size_t i = 0; i < count; ++i) {
    GElf_Phdr segment;
    if (gelf_getphdr(elf_.get(), static_cast<int>(i), &segment) == nullptr)
      return bad_elf(image_.path, "truncated ELF file: the program headers are missing");
    if (segment.p_type == PT_LOAD) loads_.push_back(segment);
    if (segment.p_type == PT_DYNAMIC && dynamic_.empty()) dynamic_.push_back(segment);
    if (segment.p_type == PT_NOTE) read_notes(segment);
    if (segment.p_type != PT_INTERP || !image_.interpreter.empty()) continue;
    if (auto interpreter = read_interpreter(segment); !interpreter.ok()) return interpreter;
  }
  return Done{};
}

Status Reader::read_interpreter(const GElf_Phdr& segment) {
  if (segment.p_filesz < 2 || segment.p_filesz > kMaxInterpreter || segment.p_offset > INT64_MAX)
    return bad_elf(image_.path, "damaged ELF file: the interpreter's name has an impossible size");
  const Elf_Data* data = elf_getdata_rawchunk(elf_.get(), static_cast<int64_t>(segment.p_offset),
                                              segment.p_filesz, ELF_T_BYTE);
  if (data == nullptr)
    return bad_elf(image_.path, "truncated ELF file: the interpreter's name is missing");
  const char* name = static_cast<const char*>(data->d_buf);
  image_.interpreter.assign(name, strnlen(name, data->d_size));
  return Done{};
}

// The Go linker writes its build id into a note of this name and type (cmd/internal/buildid).
void Reader::read_notes(const GElf_Phdr& segment) {
  constexpr uint32_t kGoBuildId = 4;
  constexpr std::string_view kGo("Go\0", 3);
  if (segment.p_filesz == 0 || segment.p_filesz > kMaxNotes || segment.p_offset > INT64_MAX) return;
  Elf_Data* data = elf_getdata_rawchunk(elf_.get(), static_cast<int64_t>(segment.p_offset),
                                        segment.p_filesz, ELF_T_NHDR);
  if (data == nullptr) return;
  GElf_Nhdr note;
  size_t name = 0, text = 0;
  for (size_t at = 0; (at = gelf_getnote(data, at, &note, &name, &text)) != 0;) {
    const std::string_view owner(static_cast<const char*>(data->d_buf) + name, note.n_namesz);
    if (note.n_type == kGoBuildId && owner.starts_with(kGo)) image_.is_go = true;
  }
}

Status Reader::read_dynamic(bool with_functions) {
  if (dynamic_.empty()) return Done{};
  DynamicTable table(elf_.get(), loads_, image_.path);
  if (auto tags = table.read(dynamic_.front(), image_); !tags.ok()) return tags;
  // A static PIE has a dynamic section too, to relocate itself, but no loader will read it.
  image_.is_dynamic = !image_.interpreter.empty() || !table.marked_as_program();
  if (!with_functions || !image_.is_x86_64) return Done{};
  return table.read_exports(image_);
}

Result<std::vector<std::string>> Reader::references() {
  std::vector<std::string> names;
  if (auto whole = read(false); !whole) return whole.error();
  if (dynamic_.empty() || !image_.is_x86_64) return names;
  DynamicTable table(elf_.get(), loads_, image_.path);
  Image again;
  if (auto tags = table.read(dynamic_.front(), again); !tags.ok()) return tags.error();
  if (auto found = table.read_references(names); !found.ok()) return found.error();
  return names;
}

}  // namespace

Result<Image> read_image(const std::string& path, bool with_functions) {
  struct stat status = {};
  auto fd = open_regular_file(path, status);
  if (!fd) return fd.error();
  return Reader(path, fd->get(), status).read(with_functions);
}

Result<std::vector<std::string>> read_references(const std::string& path) {
  struct stat status = {};
  auto fd = open_regular_file(path, status);
  if (!fd) return fd.error();
  return Reader(path, fd->get(), status).references();
}

std::string script_interpreter(const std::string& path) {
  struct stat status = {};
  auto fd = open_regular_file(path, status);
  if (!fd) return {};
  std::array<char, 256> head;  // BINPRM_BUF_SIZE: the kernel looks no further
  const ssize_t size = ::pread(fd->get(), head.data(), head.size(), 0);
  if (size < 3 || head[0] != '#' || head[1] != '!') return {};
  const std::string_view line(head.data() + 2, static_cast<size_t>(size) - 2);
  const size_t begin = line.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return {};
  const size_t end = line.find_first_of(std::string_view(" \t\n\0", 4), begin);
  // A name that fills the kernel's buffer was cut, and the kernel refuses it; one that ends
  // with the file is whole.
  if (end == std::string_view::npos && static_cast<size_t>(size) == head.size()) return {};
  return std::string(line.substr(begin, end - begin));
}

}  // namespace wc
