#include "engine/library_watch.h"

#include <elf.h>
#include <link.h>

#include <algorithm>
#include <optional>

#include "elf/image.h"
#include "proc/files.h"
#include "proc/maps.h"
#include "proc/process.h"

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

std::string path_at(const Result<proc::Maps>& maps, uint64_t address) {
  const proc::Mapping* mapping = maps ? maps->at(address) : nullptr;
  return mapping != nullptr && mapping->has_file() ? mapping->path : std::string();
}

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
  auto vector = proc::read_auxv(pid);
  if (!vector) return start;
  start.entry = vector->find(AT_ENTRY).value_or(0);
  start.headers = vector->find(AT_PHDR).value_or(0);
  start.header_count = vector->find(AT_PHNUM).value_or(0);
  start.loader = vector->find(AT_BASE).value_or(0);
  return start;
}

uint64_t LibraryWatch::event_address(pid_t pid, TraceeMemory& memory) {
  ProgramStart start = read_program_start(pid);
  if (auto list = read_at<r_debug>(memory, find_list(start, memory)); list && list->r_brk != 0)
    return list->r_brk;
  if (start.loader == 0) return 0;
  std::string path = path_at(proc::read_maps(pid), start.loader);
  auto image = read_image(proc::path_of(pid, "root" + path), true);
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
  std::optional<Result<proc::Maps>> maps;  // read only when something is new
  for (MappedObject& object : now) {
    auto known = std::find_if(objects_.begin(), objects_.end(),
                              [&](const MappedObject& old) { return has({object}, old); });
    if (known != objects_.end()) {
      object.path = known->path;
      continue;
    }
    if (!maps) maps = proc::read_maps(pid);
    object.path = path_at(*maps, object.dynamic);
    changes.loaded.push_back(object);
  }
  objects_ = std::move(now);
  return changes;
}

}  // namespace wc
