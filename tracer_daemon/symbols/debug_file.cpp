#include "symbols/debug_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string_view>
#include <vector>

#include "elf/elf_handle.h"
#include "symbols/build_id.h"

namespace wc {

namespace {

constexpr uint64_t kMaxLink = 4096;
constexpr off_t kMaxChecked = off_t{2} << 30;  // bytes to read for a checksum

struct DebugLink {
  std::string name;
  uint32_t checksum = 0;
};

std::optional<DebugLink> debug_link(Elf* elf) {
  size_t names = 0;
  if (elf_getshdrstrndx(elf, &names) != 0) return std::nullopt;
  Elf_Scn* section = nullptr;
  GElf_Shdr header;
  while ((section = elf_nextscn(elf, section)) != nullptr) {
    if (gelf_getshdr(section, &header) == nullptr || header.sh_size > kMaxLink) continue;
    const char* name = elf_strptr(elf, names, header.sh_name);
    if (name == nullptr || std::string_view(name) != ".gnu_debuglink") continue;
    const Elf_Data* data = elf_rawdata(section, nullptr);
    if (data == nullptr || data->d_buf == nullptr) return std::nullopt;
    // The name, padded to four bytes, and a CRC-32.
    const std::string_view bytes(static_cast<const char*>(data->d_buf), data->d_size);
    DebugLink link{std::string(bytes.substr(0, bytes.find('\0')))};
    const size_t checksum_at =
        (link.name.size() + sizeof link.checksum) / sizeof link.checksum * sizeof link.checksum;
    if (link.name.empty() || link.name.find('/') != std::string::npos ||
        checksum_at + sizeof link.checksum > bytes.size())
      return std::nullopt;
    std::memcpy(&link.checksum, bytes.data() + checksum_at, sizeof link.checksum);
    return link;
  }
  return std::nullopt;
}

// The CRC-32 of IEEE 802.3, which gdb's documentation prescribes for .gnu_debuglink.
uint32_t checksum_of(int fd, off_t size) {
  static const auto table = [] {
    std::array<uint32_t, 256> entries{};
    for (uint32_t i = 0; i < entries.size(); ++i) {
      entries[i] = i;
      for (int bit = 0; bit < 8; ++bit)
        entries[i] = (entries[i] >> 1) ^ ((entries[i] & 1) != 0 ? 0xedb88320U : 0);
    }
    return entries;
  }();
  uint32_t crc = 0xffffffff;
  std::vector<unsigned char> block(1 << 18);
  for (off_t at = 0; at < size;) {
    const ssize_t got = ::pread(fd, block.data(), block.size(), at);
    if (got <= 0) break;
    for (ssize_t i = 0; i < got; ++i)
      crc = (crc >> 8) ^ table[(crc ^ block[static_cast<size_t>(i)]) & 0xff];
    at += got;
  }
  return ~crc;
}

std::string hexadecimal(std::string_view bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  for (const char byte : bytes) {
    text += kDigits[static_cast<unsigned char>(byte) >> 4];
    text += kDigits[static_cast<unsigned char>(byte) & 0xf];
  }
  return text;
}

// `link` is null for a file that was found by build-id.
bool belongs(int fd, const std::string& path, const std::string& id, const DebugLink* link) {
  auto elf = open_elf(fd, path);
  if (!elf) return false;
  const std::string its_id = build_id(elf->get());
  if (!id.empty() && !its_id.empty()) return its_id == id;
  struct stat status = {};
  return link != nullptr && ::fstat(fd, &status) == 0 && status.st_size <= kMaxChecked &&
         checksum_of(fd, status.st_size) == link->checksum;
}

}  // namespace

DebugFile find_debug_file(Elf* module, const std::string& module_path,
                          const std::string& debug_root) {
  const std::string id = build_id(module);
  const auto link = debug_link(module);
  std::vector<std::string> candidates;
  if (!id.empty()) {
    const std::string hex = hexadecimal(id);
    candidates.push_back(debug_root + "/.build-id/" + hex.substr(0, 2) + "/" + hex.substr(2) +
                         ".debug");
  }
  if (link) {
    const std::string folder = module_path.substr(0, module_path.rfind('/') + 1);
    candidates.push_back(folder + link->name);
    candidates.push_back(folder + ".debug/" + link->name);
    candidates.push_back(debug_root + "/" + folder + link->name);
  }
  for (auto& path : candidates) {
    if (path == module_path) continue;  // a link to itself
    struct stat status = {};
    if (::stat(path.c_str(), &status) != 0 || !S_ISREG(status.st_mode)) continue;
    ScopedFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    if (fd.valid() && belongs(fd.get(), path, id, link ? &*link : nullptr))
      return {std::move(fd), std::move(path)};
  }
  return {};
}

}  // namespace wc
