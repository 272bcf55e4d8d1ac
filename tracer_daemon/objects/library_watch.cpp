#include "objects/library_watch.h"

#include <elf.h>
#include <link.h>
#include <time.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "elf/image.h"
#include "proc/files.h"
#include "proc/maps.h"
#include "proc/process.h"

namespace wc {
namespace {

uint64_t now() {
  timespec at{};
  clock_gettime(CLOCK_MONOTONIC, &at);
  return static_cast<uint64_t>(at.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(at.tv_nsec);
}

constexpr unsigned kMaxSpaces = 64;
constexpr size_t kMaxHeaders = 256;
constexpr size_t kMaxDynamic = 4096;
constexpr size_t kMaxPath = 4096, kMostPaths = 192;

template <typename T>
std::optional<T> read_at(TraceeMemory& memory, uint64_t at) {
  T value{};
  if (at == 0 || !memory.read_all({at}, &value, sizeof value)) return std::nullopt;
  return value;
}

std::string string_at(TraceeMemory& memory, uint64_t at) {
  char text[kMaxPath];
  for (size_t size : {kMostPaths, kMaxPath}) {
    size_t n = at == 0 ? 0 : memory.read({at}, text, size);
    const char* end = std::find<const char*>(text, text + n, '\0');
    if (end != text + n || n < size) return std::string(static_cast<const char*>(text), end);
  }
  return std::string(static_cast<const char*>(text), kMaxPath);
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

// Many at once are looked up in one reading of the map, a few one by one.
class Paths {
 public:
  Paths(pid_t pid, size_t count) : pid_(pid) {
    constexpr size_t kMany = 8;
    if (count >= kMany) maps_ = proc::read_maps(pid);
  }
  std::string at(uint64_t address) {
    if (!maps_) {
      auto mapping = proc::read_mapping(pid_, address);
      if (mapping) return mapping->has_file() ? mapping->path : std::string();
      maps_ = proc::read_maps(pid_);
    }
    return path_at(*maps_, address);
  }

 private:
  pid_t pid_;
  std::optional<Result<proc::Maps>> maps_;
};

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

// False while ld.so changes one of its lists, and where there are none.
bool LibraryWatch::read_heads(TraceeMemory& memory) {
  constexpr int kHasNext = 2;  // r_version from which r_next exists
  std::vector<uint64_t> heads;
  for (uint64_t at = list_; at != 0 && heads.size() < kMaxSpaces;) {
    auto space = read_at<r_debug_extended>(memory, at);
    if (!space) return false;
    if (space->base.r_state != r_debug::RT_CONSISTENT) {
      announce(space->base.r_state);
      return false;
    }
    heads.push_back(reinterpret_cast<uint64_t>(space->base.r_map));
    at = space->base.r_version >= kHasNext ? reinterpret_cast<uint64_t>(space->r_next) : 0;
  }
  spaces_.resize(std::max(spaces_.size(), heads.size()));
  for (size_t i = 0; i < spaces_.size(); i++) spaces_[i].head = i < heads.size() ? heads[i] : 0;
  return !heads.empty();
}

void LibraryWatch::announce(int state) {
  if (announced_at_ == 0) announced_at_ = now();
  const bool only_loads = state == r_debug::RT_ADD && announced_ != ListChange::Any;
  announced_ = only_loads ? ListChange::OnlyLoaded : ListChange::Any;
}

void LibraryWatch::add(pid_t pid, TraceeMemory& memory, unsigned space,
                       const std::vector<LinkMap>& fresh, ObjectChanges& changes) {
  Paths paths(pid, fresh.size());
  for (const LinkMap& map : fresh) {
    MappedObject object;
    object.base = map.base;
    object.dynamic = map.dynamic;
    object.entry = map.at;
    object.space = space;
    object.name = string_at(memory, map.name);
    object.path = paths.at(map.dynamic);
    objects_.insert_or_assign(Key(space, map.at), object);
    changes.loaded.push_back(std::move(object));
  }
}

ObjectChanges LibraryWatch::look(pid_t pid, TraceeMemory& memory) {
  if (list_ == 0) list_ = find_list(read_program_start(pid), memory);
  if (!read_heads(memory)) return {};
  const ListChange change = std::exchange(announced_, std::nullopt).value_or(ListChange::Any);
  ObjectChanges changes;
  changes.began = std::exchange(announced_at_, 0);
  for (unsigned number = 0; number < spaces_.size(); number++) {
    Space& space = spaces_[number];
    LinkMapChanges found = space.maps.look(pid, memory, space.head, change);
    for (const LinkMap& gone : found.gone)
      if (auto known = objects_.extract(Key(number, gone.at)))
        changes.unloaded.push_back(std::move(known.mapped()));
    add(pid, memory, number, found.fresh, changes);
  }
  return changes;
}

bool LibraryWatch::is_program(const MappedObject& object) const {
  if (object.space != 0 || spaces_.empty()) return false;
  const std::vector<LinkMap>& known = spaces_.front().maps.known();
  return !known.empty() && known.front().at == object.entry;
}

// As far as the next objects on both sides; a base may lie anywhere, a dynamic section does not.
AddressRange LibraryWatch::span_of(const MappedObject& gone) const {
  AddressRange span{0, UINT64_MAX};
  for (const auto& [key, other] : objects_) {
    if (other.dynamic < gone.dynamic) span.begin = std::max(span.begin, other.dynamic);
    if (other.dynamic <= gone.dynamic) continue;
    const bool begins_between = other.base > gone.dynamic && other.base < other.dynamic;
    span.end = std::min(span.end, begins_between ? other.base : other.dynamic);
  }
  if (gone.base < gone.dynamic) span.begin = std::max(span.begin, gone.base);
  return span;
}

}  // namespace wc
