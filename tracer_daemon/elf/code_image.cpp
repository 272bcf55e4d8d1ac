#include "elf/code_image.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <optional>

#include "base/scoped_fd.h"
#include "elf/elf_handle.h"

namespace wc {
namespace {

constexpr uint64_t kMaxBytes = uint64_t{512} << 20;  // of all segments
constexpr size_t kMaxHeaders = 1024;
constexpr size_t kMaxIdNotes = 4096;
constexpr size_t kMaxBuildId = 64;

template <typename T>
std::optional<T> value_at(const CodeImage& image, uint64_t address) {
  auto bytes = image.at(address, sizeof(T));
  if (bytes.empty()) return std::nullopt;
  T value;
  std::memcpy(&value, bytes.data(), sizeof value);
  return value;
}

std::optional<std::vector<uint8_t>> read_bytes(int fd, uint64_t offset, uint64_t size) {
  if (size > kMaxBytes || offset > INT64_MAX - size) return std::nullopt;
  std::vector<uint8_t> bytes(size);
  for (uint64_t done = 0; done < size;) {
    ssize_t n = pread(fd, bytes.data() + done, size - done, static_cast<off_t>(offset + done));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return std::nullopt;
    done += static_cast<uint64_t>(n);
  }
  return bytes;
}

// Skips a number of DWARF's variable length.
void skip_leb128(const CodeImage& image, uint64_t& at) {
  while (auto byte = value_at<uint8_t>(image, at++))
    if (!(*byte & 0x80)) return;
}

// Whether the addresses of a CIE's functions are 4 bytes long (DW_EH_PE_udata4, sdata4).
bool has_short_addresses(const CodeImage& image, uint64_t cie) {
  auto version = value_at<uint8_t>(image, cie + 8);
  if (!version) return false;
  std::string augmentation;
  uint64_t at = cie + 9;
  for (;;) {
    auto letter = value_at<char>(image, at++);
    if (!letter || augmentation.size() > 8) return false;
    if (*letter == '\0') break;
    augmentation += *letter;
  }
  if (augmentation.empty() || augmentation[0] != 'z') return false;
  skip_leb128(image, at);  // code alignment
  skip_leb128(image, at);  // data alignment
  if (*version == 1)
    at++;  // return address register
  else
    skip_leb128(image, at);
  skip_leb128(image, at);  // size of what follows
  for (char letter : augmentation.substr(1)) {
    auto encoding = value_at<uint8_t>(image, at++);
    if (!encoding) return false;
    if (letter == 'R') return (*encoding & 0x07) == 3;
    if (letter == 'P')
      at += (*encoding & 0x07) == 3 ? 4 : 8;
    else if (letter == 'S' || letter == 'B')
      at--;  // these have no data
    else if (letter != 'L')
      return false;
  }
  return false;
}

// 0: not known.
uint64_t function_size(const CodeImage& image, uint64_t fde) {
  auto length = value_at<uint32_t>(image, fde);
  auto to_cie = value_at<uint32_t>(image, fde + 4);
  auto size = value_at<uint32_t>(image, fde + 12);
  if (!length || !to_cie || !size || *length == UINT32_MAX || *to_cie == 0) return 0;
  return has_short_addresses(image, fde + 4 - *to_cie) ? *size : 0;
}

// .eh_frame_hdr: a sorted table of functions and their entries in .eh_frame.
void read_functions(CodeImage& image, const GElf_Phdr& header) {
  uint64_t table = header.p_vaddr;
  auto head = value_at<uint32_t>(image, table);
  // Version 1, the pointer to .eh_frame in 4 bytes, udata4 entries of sdata4 from here.
  if (!head || (*head & 0xff) != 1 || (*head >> 8 & 15) != 0xb || *head >> 16 != 0x3b03) return;
  uint32_t rows = value_at<uint32_t>(image, table + 8).value_or(0);
  for (uint32_t row = 0; row < rows; row++) {
    auto start = value_at<int32_t>(image, table + 12 + uint64_t{row} * 8);
    auto fde = value_at<int32_t>(image, table + 16 + uint64_t{row} * 8);
    if (!start || !fde) break;
    auto from = [&](int32_t distance) {
      return table + static_cast<uint64_t>(static_cast<int64_t>(distance));
    };
    uint64_t begin = from(*start);
    if (uint64_t size = function_size(image, from(*fde)))
      image.functions.push_back({begin, begin + size});
  }
  std::sort(image.functions.begin(), image.functions.end(),
            [](const FunctionRange& a, const FunctionRange& b) { return a.begin < b.begin; });
  // Functions do not overlap; a file that says so must not make the search look at bytes again and
  // again.
  for (size_t i = 0; i + 1 < image.functions.size(); i++)
    image.functions[i].end = std::min(image.functions[i].end, image.functions[i + 1].begin);
}

std::string build_id_in(const std::vector<uint8_t>& notes) {
  size_t at = 0;
  Elf64_Nhdr note;
  while (notes.size() - at >= sizeof note) {
    std::memcpy(&note, &notes[at], sizeof note);
    uint64_t name = at + sizeof note;
    uint64_t content = name + ((uint64_t{note.n_namesz} + 3) & ~uint64_t{3});
    uint64_t next = content + ((uint64_t{note.n_descsz} + 3) & ~uint64_t{3});
    if (next > notes.size()) return {};
    if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == sizeof ELF_NOTE_GNU &&
        std::memcmp(&notes[name], ELF_NOTE_GNU, sizeof ELF_NOTE_GNU) == 0 && note.n_descsz > 0 &&
        note.n_descsz <= kMaxBuildId)
      return {notes.begin() + static_cast<ptrdiff_t>(content),
              notes.begin() + static_cast<ptrdiff_t>(content + note.n_descsz)};
    at = next;
  }
  return {};
}

}  // namespace

const Segment* CodeImage::segment_of(uint64_t address) const {
  for (const Segment& segment : segments)
    if (segment.contains(address)) return &segment;
  return nullptr;
}

const FunctionRange* CodeImage::function_of(uint64_t address) const {
  auto next =
      std::upper_bound(functions.begin(), functions.end(), address,
                       [](uint64_t at, const FunctionRange& one) { return at < one.begin; });
  return next == functions.begin() || address >= next[-1].end ? nullptr : &next[-1];
}

std::span<const uint8_t> CodeImage::at(uint64_t address, size_t size) const {
  const Segment* segment = segment_of(address);
  if (segment == nullptr || segment->end() - address < size) return {};
  return {&segment->bytes[address - segment->address], size};
}

Result<CodeImage> read_code_image(const std::string& path) {
  struct stat status {};
  auto fd = open_regular_file(path, status);
  if (!fd) return fd.error();
  auto elf = open_elf(fd->get(), path);
  if (!elf) return elf.error();
  GElf_Ehdr head;
  size_t count = 0;
  if (gelf_getehdr(elf->get(), &head) == nullptr || head.e_machine != EM_X86_64 ||
      elf_getphdrnum(elf->get(), &count) != 0 || count > kMaxHeaders)
    return Error{path + " is no x86-64 program or library", ENOEXEC};
  CodeImage image;
  image.position_independent = head.e_type == ET_DYN;
  std::optional<GElf_Phdr> unwind;
  uint64_t total = 0;
  for (size_t i = 0; i < count; i++) {
    GElf_Phdr header;
    if (gelf_getphdr(elf->get(), static_cast<int>(i), &header) == nullptr)
      return Error{path + " is cut short", ENOEXEC};
    if (header.p_type == PT_GNU_EH_FRAME) unwind = header;
    if (header.p_type != PT_LOAD || header.p_filesz == 0) continue;
    total += std::min(header.p_filesz, kMaxBytes);
    if (total > kMaxBytes) return Error{path + " is too large", EFBIG};
    auto bytes = read_bytes(fd->get(), header.p_offset, header.p_filesz);
    if (!bytes || header.p_vaddr > UINT64_MAX - header.p_filesz)
      return Error{path + " is cut short", ENOEXEC};
    image.segments.push_back(
        {header.p_vaddr, header.p_offset, (header.p_flags & PF_X) != 0, std::move(*bytes)});
  }
  if (unwind) read_functions(image, *unwind);
  return image;
}

Result<FileIdentity> identify_file(const std::string& path) {
  struct stat status {};
  auto fd = open_regular_file(path, status);
  if (!fd) return fd.error();
  FileIdentity identity{{},
                        static_cast<uint64_t>(status.st_size),
                        int64_t{status.st_mtim.tv_sec} * 1'000'000'000 + status.st_mtim.tv_nsec};
  Elf64_Ehdr head;
  auto bytes = read_bytes(fd->get(), 0, sizeof head);
  if (!bytes) return Error{path + " is cut short", ENOEXEC};
  std::memcpy(&head, bytes->data(), sizeof head);
  if (std::memcmp(head.e_ident, ELFMAG, SELFMAG) != 0 || head.e_phnum > kMaxHeaders ||
      head.e_phentsize != sizeof(Elf64_Phdr))
    return Error{path + " is no 64-bit ELF file", ENOEXEC};
  auto headers = read_bytes(fd->get(), head.e_phoff, head.e_phnum * sizeof(Elf64_Phdr));
  if (!headers) return Error{path + " is cut short", ENOEXEC};
  for (size_t i = 0; i < head.e_phnum && identity.build_id.empty(); i++) {
    Elf64_Phdr header;
    std::memcpy(&header, headers->data() + i * sizeof header, sizeof header);
    if (header.p_type != PT_NOTE || header.p_filesz > kMaxIdNotes) continue;
    if (auto notes = read_bytes(fd->get(), header.p_offset, header.p_filesz))
      identity.build_id = build_id_in(*notes);
  }
  return identity;
}

}  // namespace wc
