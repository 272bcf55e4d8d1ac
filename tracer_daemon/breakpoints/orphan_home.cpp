#include "breakpoints/orphan_home.h"

#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstddef>

#include "kernel/remote_syscall.h"
#include "proc/maps.h"
#include "protocol/code_layout.h"

extern "C" const uint8_t wc_orphan_code[], wc_orphan_code_end[], wc_orphan_return[], wc_injected[];

namespace wc {
namespace {

constexpr uint64_t kInjectionRoom = WC_ORPHAN_REGISTERS;
constexpr uint64_t kRecordAt = 3072;  // OrphanRecord
constexpr uint64_t kTableAt = WC_ORPHAN_TABLE;
constexpr uint64_t kTableHead = WC_ORPHAN_TABLE_HEAD;
static_assert(kTableAt == OrphanHome::kPage);
static_assert(offsetof(InjectionReturn, mask) == WC_ORPHAN_REGISTER_WORDS * sizeof(uint64_t));
constexpr uint64_t kScratchAt = OrphanHome::kSize - OrphanHome::kPage;
static_assert(OrphanHome::kMostEntries <= (OrphanHome::kTableSize - kTableHead) / 16);

struct OrphanTable {
  uint64_t former_handler;
  uint64_t entries;
};
static_assert(sizeof(OrphanTable) == kTableHead);

struct OrphanEntry {
  uint64_t address, go_on;
};
static_assert(sizeof(OrphanEntry) == WC_ORPHAN_ENTRY);

// What the next tracer has to know if this one is killed.
struct OrphanRecord {
  static constexpr uint64_t kMagic = 0x31656d6f682d6377;  // "wc-home1"
  static constexpr uint64_t kMostArenas = 36;
  struct Part {
    uint64_t begin, size;
  };
  uint64_t magic;  // last to be written
  SignalAction former;
  uint64_t arenas;
  Part parts[kMostArenas];
};
static_assert(kRecordAt + sizeof(OrphanRecord) <= kTableAt);

constexpr uint64_t kMaskSize = 8;

// Whether another tracer's handler stands there, be it of another version. It is left to what it
// knows.
bool is_home(ProcessMemory& memory, uint64_t address) {
  uint64_t magic = 0;
  return address % OrphanHome::kPage == 0 &&
         memory.read_all({address + kRecordAt}, &magic, sizeof magic) &&
         magic == OrphanRecord::kMagic;
}

// A killed tracer's guardian is about to take the int3s out of the text, and would take new ones,
// too. Where there is none they stay, and those places are refused.
void await_guardian(ProcessMemory& memory, const std::vector<OrphanEntry>& entries) {
  constexpr int kPatienceMs = 1000;
  auto is_waiting = [&](const OrphanEntry& one) {
    uint8_t byte = 0;
    return one.address != 0 && memory.read({one.address}, &byte, 1) == 1 && byte == kInt3;
  };
  for (int waited = 0; waited < kPatienceMs; waited++) {
    memory.forget();
    if (std::none_of(entries.begin(), entries.end(), is_waiting)) return;
    usleep(1000);
  }
}

bool is_same_version(ProcessMemory& memory, uint64_t home) {
  std::vector<uint8_t> code(static_cast<size_t>(wc_orphan_code_end - wc_orphan_code));
  return memory.read_all({home}, code.data(), code.size()) &&
         std::equal(code.begin(), code.end(), wc_orphan_code);
}

}  // namespace

Status OrphanHome::make(StoppedThread& stop, ProcessMemory& memory, Arena& first) {
  const auto size = static_cast<size_t>(wc_orphan_code_end - wc_orphan_code);
  if (!memory.write({first.begin}, wc_orphan_code, size)) return cannot_write();
  auto writable = run_syscall(stop, memory, SYS_mprotect,
                              {first.begin + kScratchAt, kPage, PROT_READ | PROT_WRITE, 0, 0, 0});
  if (!writable) return writable.error();
  first.next += kTableAt + kTableSize;
  first.end -= kPage;
  address_ = first.begin;
  const uint64_t magic = OrphanRecord::kMagic;
  if (!memory.write({address_ + kRecordAt}, &magic, sizeof magic)) return cannot_write();
  return Done{};
}

Status OrphanHome::note_arena(ProcessMemory& memory, const Arena& arena, uint64_t number) const {
  const uint64_t record = address_ + kRecordAt, count = number + 1;
  if (number >= OrphanRecord::kMostArenas) return Done{};
  const OrphanRecord::Part part{arena.begin, arena.size};
  const bool written =
      memory.write({record + offsetof(OrphanRecord, parts) + number * sizeof part}, &part,
                   sizeof part) &&
      memory.write({record + offsetof(OrphanRecord, arenas)}, &count, sizeof count);
  if (!written) return cannot_write();
  return Done{};
}

// The table is read by a handler that may run while this is written: the count comes last.
bool OrphanHome::note(ProcessMemory& memory, uint32_t& entry, uint64_t address, uint64_t go_on) {
  uint64_t table = address_ + kTableAt;
  bool fresh = entry == 0;
  if (fresh && !free_.empty()) {
    entry = free_.back();
    free_.pop_back();
    fresh = false;
  }
  uint32_t number = fresh ? entries_ + 1 : entry;
  const OrphanEntry row{address, go_on};
  if (!memory.write({table + kTableHead + (number - 1) * sizeof row}, &row, sizeof row))
    return false;
  if (!fresh) return true;
  uint64_t count = number;
  if (!memory.write({table + offsetof(OrphanTable, entries)}, &count, sizeof count)) return false;
  entry = entries_ = number;
  return true;
}

void OrphanHome::free(ProcessMemory& memory, uint32_t entry) {
  if (entry == 0) return;
  constexpr OrphanEntry kNothing{};
  const uint64_t at = address_ + kTableAt + kTableHead + (entry - 1) * sizeof kNothing;
  if (memory.write({at}, &kNothing, sizeof kNothing)) free_.push_back(entry);
}

Result<uint64_t> OrphanHome::call(StoppedThread& stop, ProcessMemory& memory, uint32_t nr,
                                  const std::array<uint64_t, 6>& args) const {
  InjectionPlace place;
  if (has_handler_)
    place = {address_ + static_cast<uint64_t>(wc_injected - wc_orphan_code),
             address_ + kInjectionRoom};
  return run_syscall(stop, memory, nr, args, place);
}

OrphanHome::Adopted OrphanHome::adopt(pid_t pid, ProcessMemory& memory) {
  Adopted found;
  auto maps = proc::read_maps(pid);
  if (!maps) return found;
  for (const proc::Mapping& mapping : maps->all()) {
    const uint64_t begin = mapping.range.begin;
    const bool may_be = mapping.rights.execute && mapping.path.empty() &&
                        mapping.range.size() >= kTableAt + kTableSize;
    if (may_be && is_home(memory, begin) && is_same_version(memory, begin) &&
        adopt_at(memory, begin, found))
      break;
  }
  return found;
}

bool OrphanHome::adopt_at(ProcessMemory& memory, uint64_t home, Adopted& found) {
  OrphanRecord record{};
  OrphanTable table{};
  if (!memory.read_all({home + kRecordAt}, &record, sizeof record) ||
      !memory.read_all({home + kTableAt}, &table, sizeof table) || table.entries > kMostEntries)
    return false;
  std::vector<OrphanEntry> entries(table.entries);
  if (!memory.read_all({home + kTableAt + kTableHead}, entries.data(),
                       entries.size() * sizeof(OrphanEntry)))
    return false;
  await_guardian(memory, entries);
  address_ = home;
  former_ = record.former;
  for (uint64_t i = 0; i < std::min(record.arenas, OrphanRecord::kMostArenas); i++) {
    const auto [begin, size] = record.parts[i];
    Arena arena{begin, begin + size, begin, size};
    if (begin == home) arena.next += kTableAt + kTableSize, arena.end -= kPage;
    for (const OrphanEntry& one : entries)
      if (one.go_on >= arena.next && one.go_on < arena.end && one.go_on != one.address)
        arena.next = one.go_on + kThunkRoom;
    found.arenas.push_back(arena);
  }
  entries_ = static_cast<uint32_t>(entries.size());
  for (uint32_t i = 0; i < entries.size(); i++) {
    if (entries[i].address == 0)
      free_.push_back(i + 1);
    else
      found.entries[entries[i].address] = {i + 1, entries[i].go_on};
  }
  return true;
}

bool OrphanHome::read_action(StoppedThread& stop, ProcessMemory& memory,
                             SignalAction& action) const {
  const uint64_t room = address_ + kScratchAt;
  memory.forget();
  return call(stop, memory, SYS_rt_sigaction, {SIGTRAP, 0, room, kMaskSize, 0, 0}).ok() &&
         memory.read_all({room}, &action, sizeof action);
}

bool OrphanHome::write_action(StoppedThread& stop, ProcessMemory& memory,
                              const SignalAction& action) const {
  const uint64_t room = address_ + kScratchAt;
  return memory.write({room}, &action, sizeof action) &&
         call(stop, memory, SYS_rt_sigaction, {SIGTRAP, room, 0, kMaskSize, 0, 0}).ok();
}

void OrphanHome::take_signal(StoppedThread& stop, ProcessMemory& memory, AddressRange shim) {
  SignalAction now;
  if (!read_action(stop, memory, now)) return;
  has_handler_ = now.handler == address_;
  if (has_handler_) return;  // it was adopted, and with it what was there before
  former_ = now;
  uint64_t former = now.handler;
  const bool is_own = former > reinterpret_cast<uint64_t>(SIG_IGN) && !shim.contains(former) &&
                      !is_home(memory, former);
  if (is_own) return;
  if (!memory.write({address_ + kTableAt + offsetof(OrphanTable, former_handler)}, &former,
                    sizeof former) ||
      !memory.write({address_ + kRecordAt + offsetof(OrphanRecord, former)}, &now, sizeof now))
    return;
  constexpr uint64_t kFlags = SA_SIGINFO | 0x04000000 /* SA_RESTORER */ | SA_ONSTACK | SA_NODEFER;
  auto restorer = static_cast<uint64_t>(wc_orphan_return - wc_orphan_code);
  has_handler_ = write_action(stop, memory, {address_, kFlags, address_ + restorer, 0});
}

void OrphanHome::give_signal_back(StoppedThread& stop, ProcessMemory& memory) {
  SignalAction now;
  // Where this fails the process is dying.
  if (has_handler_ && read_action(stop, memory, now) && now.handler == address_)
    (void)write_action(stop, memory, former_);
  has_handler_ = false;
}

}  // namespace wc
