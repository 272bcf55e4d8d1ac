#include "engine/library_watch.h"

#include <elf.h>
#include <link.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <optional>

#include "elf/image.h"

namespace wc {
namespace {

constexpr size_t kMaxObjects = 4096;
constexpr unsigned kMaxSpaces = 64;
constexpr size_t kMaxHeaders = 256;
constexpr size_t kMaxDynamic = 4096;
constexpr size_t kMaxPath = 4096;

template <typename T>
std::optional<T> read_at(TraceeMemory& memory, uint64_t at) {
  T value{};
  if (at == 0 || !memory.read_all({at}, &value, sizeof value)) return std::nullopt;
  return value;
}

std::string string_at(TraceeMemory& memory, uint64_t at) {
  char text[kMaxPath];
  size_t n = at == 0 ? 0 : memory.read({at}, text, sizeof text);
  const char* end = std::find<const char*>(text, text + n, '\0');
  return std::string(static_cast<const char*>(text), end);
}

// DT_DEBUG of the program, where ld.so leaves the address of its lists; 0 before it has run.
uint64_t find_list(const ProgramStart& start, TraceeMemory& memory) {
  uint64_t bias = 0, dynamic = 0;
  for (size_t i = 0; i < std::min<size_t>(start.header_count, kMaxHeaders); i++) {
    auto header = read_at<Elf64_Phdr>(memory, start.headers + i * sizeof(Elf64_Phdr));
    if (!header) return 0;
    if (header->p_type == PT_PHDR) bias = start.headers - header->p_vaddr;
    if (header->p_type == PT_DYNAMIC) dynamic = header->p_vaddr;
  }
  if (dynamic == 0) return 0;
  for (size_t i = 0; i < kMaxDynamic; i++) {
    auto tag = read_at<Elf64_Dyn>(memory, bias + dynamic + i * sizeof(Elf64_Dyn));
    if (!tag || tag->d_tag == DT_NULL) return 0;
    if (tag->d_tag == DT_DEBUG) return tag->d_un.d_ptr;
  }
  return 0;
}

class Paths {
 public:
  explicit Paths(pid_t pid) : maps_("/proc/" + std::to_string(pid) + "/maps") {
    for (std::string line; std::getline(maps_, line);) {
      char* end = nullptr;
      uint64_t from = std::strtoull(line.c_str(), &end, 16);
      uint64_t to = *end == '-' ? std::strtoull(end + 1, nullptr, 16) : 0;
      size_t slash = line.find('/');
      if (slash != std::string::npos) ranges_.push_back({from, to, line.substr(slash)});
    }
  }
  [[nodiscard]] std::string at(uint64_t address) const {
    for (const Range& range : ranges_)
      if (address >= range.from && address < range.to) return range.path;
    return {};
  }

 private:
  struct Range {
    uint64_t from, to;
    std::string path;
  };
  std::ifstream maps_;
  std::vector<Range> ranges_;
};

bool has(const std::vector<MappedObject>& list, const MappedObject& one) {
  return std::any_of(list.begin(), list.end(), [&](const MappedObject& other) {
    return other.entry == one.entry && other.base == one.base && other.dynamic == one.dynamic &&
           other.space == one.space;
  });
}

// Appends what one namespace holds; false while ld.so changes it.
bool read_space(TraceeMemory& memory, const r_debug& space, unsigned number,
                std::vector<MappedObject>& objects) {
  if (space.r_state != r_debug::RT_CONSISTENT) return false;
  auto at = reinterpret_cast<uint64_t>(space.r_map);
  while (at != 0 && objects.size() < kMaxObjects) {
    auto map = read_at<link_map>(memory, at);
    if (!map) break;
    MappedObject object;
    object.base = map->l_addr;
    object.dynamic = reinterpret_cast<uint64_t>(map->l_ld);
    object.entry = at;
    object.space = number;
    object.name = string_at(memory, reinterpret_cast<uint64_t>(map->l_name));
    objects.push_back(std::move(object));
    at = reinterpret_cast<uint64_t>(map->l_next);
  }
  return true;
}

}  // namespace

ProgramStart read_program_start(pid_t pid) {
  ProgramStart start;
  std::ifstream file("/proc/" + std::to_string(pid) + "/auxv", std::ios::binary);
  Elf64_auxv_t one{};
  while (file.read(reinterpret_cast<char*>(&one), sizeof one) && one.a_type != AT_NULL) {
    if (one.a_type == AT_ENTRY) start.entry = one.a_un.a_val;
    if (one.a_type == AT_PHDR) start.headers = one.a_un.a_val;
    if (one.a_type == AT_PHNUM) start.header_count = one.a_un.a_val;
    if (one.a_type == AT_BASE) start.loader = one.a_un.a_val;
  }
  return start;
}

uint64_t LibraryWatch::event_address(pid_t pid, TraceeMemory& memory) {
  ProgramStart start = read_program_start(pid);
  if (auto list = read_at<r_debug>(memory, find_list(start, memory)); list && list->r_brk != 0)
    return list->r_brk;
  if (start.loader == 0) return 0;
  std::string path = Paths(pid).at(start.loader);
  auto image = read_image("/proc/" + std::to_string(pid) + "/root" + path, true);
  if (!image) return 0;
  for (const ExportedFunction& function : image->functions)
    if (function.name == "_dl_debug_state") return start.loader + function.address;
  return 0;
}

ObjectChanges LibraryWatch::look(pid_t pid, TraceeMemory& memory) {
  if (list_ == 0) list_ = find_list(read_program_start(pid), memory);
  std::vector<MappedObject> now;
  unsigned number = 0;
  for (uint64_t at = list_; at != 0 && number < kMaxSpaces; number++) {
    auto space = read_at<r_debug_extended>(memory, at);
    if (!space || !read_space(memory, space->base, number, now)) return {};
    constexpr int kHasNext = 2;  // r_version from which r_next exists
    at = space->base.r_version >= kHasNext ? reinterpret_cast<uint64_t>(space->r_next) : 0;
  }
  if (number == 0) return {};
  ObjectChanges changes;
  for (const MappedObject& old : objects_)
    if (!has(now, old)) changes.unloaded.push_back(old);
  std::optional<Paths> paths;  // read only when something is new
  for (MappedObject& object : now) {
    auto known = std::find_if(objects_.begin(), objects_.end(),
                              [&](const MappedObject& old) { return has({object}, old); });
    if (known != objects_.end()) {
      object.path = known->path;
      continue;
    }
    if (!paths) paths.emplace(pid);
    object.path = paths->at(object.dynamic);
    changes.loaded.push_back(object);
  }
  objects_ = std::move(now);
  return changes;
}

}  // namespace wc
