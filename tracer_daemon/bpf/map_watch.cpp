#include "bpf/map_watch.h"

#include <linux/perf_event.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>

#include "base/scoped_fd.h"

namespace wc {
namespace {

constexpr size_t kPages = 64;  // of each buffer; a power of two

struct MapRecord {  // PERF_RECORD_MMAP2 in perf_event_open(2); the file's name follows
  perf_event_header head;
  uint32_t pid, tid;
  uint64_t address, size, offset;
  uint32_t major, minor;
  uint64_t inode, generation;
  uint32_t protection, flags;
};

struct NameRecord {  // PERF_RECORD_COMM; the name follows
  perf_event_header head;
  uint32_t pid, tid;
};

// Behind each record (sample_id_all), for PERF_SAMPLE_TID and PERF_SAMPLE_TIME.
struct Stamp {
  uint32_t pid, tid;
  uint64_t time;
};

perf_event_attr attributes() {
  perf_event_attr attr{};
  attr.type = PERF_TYPE_SOFTWARE;
  attr.size = sizeof attr;
  attr.config = PERF_COUNT_SW_DUMMY;
  attr.sample_type = PERF_SAMPLE_TID | PERF_SAMPLE_TIME;
  attr.inherit = 1;
  attr.mmap = 1;
  attr.mmap2 = 1;
  attr.comm = 1;
  attr.comm_exec = 1;
  attr.sample_id_all = 1;
  attr.use_clockid = 1;
  attr.clockid = CLOCK_MONOTONIC;
  return attr;
}

template <typename T>
T copy_of(const unsigned char* bytes) {
  T value;
  std::memcpy(&value, bytes, sizeof value);
  return value;
}

}  // namespace

struct MapWatch::Buffer {
  ScopedFd event;
  void* memory = MAP_FAILED;
  size_t size = 0;

  ~Buffer() {
    if (memory != MAP_FAILED) munmap(memory, size);
  }
};

MapWatch::MapWatch() = default;
MapWatch::~MapWatch() = default;

Result<std::unique_ptr<MapWatch>> MapWatch::start(pid_t pid) {
  std::unique_ptr<MapWatch> watch(new MapWatch);
  const auto page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  const long processors = sysconf(_SC_NPROCESSORS_CONF);
  perf_event_attr attr = attributes();
  for (long cpu = 0; cpu < processors; cpu++) {
    auto buffer = std::make_unique<Buffer>();
    buffer->event = ScopedFd(static_cast<int>(
        syscall(SYS_perf_event_open, &attr, pid, static_cast<int>(cpu), -1, PERF_FLAG_FD_CLOEXEC)));
    if (!buffer->event.valid() && errno == ENODEV) continue;  // it is off
    if (!buffer->event.valid()) return Error::from_errno("perf_event_open", errno);
    buffer->size = (1 + kPages) * page;
    buffer->memory =
        mmap(nullptr, buffer->size, PROT_READ | PROT_WRITE, MAP_SHARED, buffer->event.get(), 0);
    if (buffer->memory == MAP_FAILED) return Error::from_errno("mmap of a perf event", errno);
    watch->buffers_.push_back(std::move(buffer));
  }
  return watch;
}

void MapWatch::fetch() {
  for (const auto& buffer : buffers_) read(*buffer);
}

void MapWatch::read(Buffer& buffer) {
  auto& head = *static_cast<perf_event_mmap_page*>(buffer.memory);
  const uint64_t end = __atomic_load_n(&head.data_head, __ATOMIC_ACQUIRE);
  uint64_t at = head.data_tail;
  const auto* data = static_cast<const unsigned char*>(buffer.memory) + head.data_offset;
  std::vector<unsigned char> whole;  // a record may go around the buffer's end
  while (at < end) {
    const auto byte = [&](uint64_t i) { return data[(at + i) % head.data_size]; };
    const auto size = static_cast<size_t>(byte(6) | byte(7) << 8);
    if (size < sizeof(perf_event_header) || size > end - at) break;
    whole.resize(size);
    for (size_t i = 0; i < size; i++) whole[i] = byte(i);
    on_record(whole.data(), size);
    at += size;
  }
  __atomic_store_n(&head.data_tail, end, __ATOMIC_RELEASE);
}

void MapWatch::on_record(const unsigned char* record, size_t size) {
  const auto head = copy_of<perf_event_header>(record);
  if (size < sizeof(MapRecord) + sizeof(Stamp) && head.type == PERF_RECORD_MMAP2) return;
  if (size < sizeof(NameRecord) + sizeof(Stamp)) return;
  MapChange change;
  change.time = copy_of<Stamp>(record + size - sizeof(Stamp)).time;
  pid_t pid = 0;
  if (head.type == PERF_RECORD_MMAP2) {
    const auto map = copy_of<MapRecord>(record);
    pid = static_cast<pid_t>(map.pid);
    proc::Mapping& mapping = change.mapping;
    mapping.range = {map.address, map.address + map.size};
    mapping.rights = {(map.protection & PROT_READ) != 0, (map.protection & PROT_WRITE) != 0,
                      (map.protection & PROT_EXEC) != 0, (map.flags & MAP_SHARED) != 0};
    mapping.offset = map.offset;
    mapping.device_major = map.major;
    mapping.device_minor = map.minor;
    mapping.inode = map.inode;
    const auto* name = reinterpret_cast<const char*>(record + sizeof map);
    mapping.path.assign(name, strnlen(name, size - sizeof map - sizeof(Stamp)));
    if (mapping.path == "//anon") mapping.path.clear();
  } else if (head.type == PERF_RECORD_COMM && (head.misc & PERF_RECORD_MISC_COMM_EXEC) != 0) {
    pid = static_cast<pid_t>(copy_of<NameRecord>(record).pid);
    change.is_exec = true;
  } else {
    return;
  }
  // Those of one process come from all processors that it has run on.
  auto& changes = changes_[pid];
  const auto place = std::ranges::upper_bound(changes, change.time, {}, &MapChange::time);
  changes.insert(place, std::move(change));
}

const MapChange* MapWatch::look(pid_t pid, uint64_t time) const {
  const auto found = changes_.find(pid);
  if (found == changes_.end() || found->second.empty()) return nullptr;
  const MapChange& first = found->second.front();
  return first.time <= time ? &first : nullptr;
}

bool MapWatch::next(pid_t pid, uint64_t time, MapChange& change) {
  const MapChange* first = look(pid, time);
  if (first == nullptr) return false;
  auto& changes = changes_.at(pid);
  change = std::move(changes.front());
  changes.pop_front();
  return true;
}

}  // namespace wc
