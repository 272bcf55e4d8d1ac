#include "breakpoints/breakpoints.h"

#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <string>

#include "kernel/remote_syscall.h"
#include "proc/maps.h"

extern "C" const uint8_t wc_orphan_code[], wc_orphan_code_end[], wc_orphan_return[], wc_injected[];

namespace wc {
namespace {

constexpr uint8_t kInt3 = 0xcc;
constexpr uint64_t kPage = 4096;
constexpr uint64_t kArenaSize = 128 * kPage;
// The first arena begins with the orphans' handler and the table that it reads.
constexpr uint64_t kInjectionRoom = 2048;  // orphan_code.S
constexpr uint64_t kRecordAt = 3072;       // OrphanRecord
constexpr uint64_t kTableAt = kPage;
constexpr uint64_t kTableSize = 1025 * kPage;
constexpr uint64_t kTableHead = 16;
constexpr uint64_t kHomeSize = kArenaSize + kTableSize;
// The first arena ends with a page that can be written: what system calls in the program's name
// read and write. The thread's own stack may be a coroutine's of a few hundred bytes, with somebody
// else's next to it.
constexpr uint64_t kScratchAt = kHomeSize - kPage;
static_assert(Breakpoints::kMost <= (kTableSize - kTableHead) / 16);
constexpr uint64_t kThunkRoom = 48;
static_assert(kThunkRoom >= kDisplacedSize);
// A thunk is at most this far from its instruction; the rest of the 2 GiB is for what that refers
// to.
constexpr uint64_t kNear = 1u << 30;

struct OrphanTable {
  uint64_t former_handler;
  uint64_t entries;
};
static_assert(sizeof(OrphanTable) == kTableHead);

struct OrphanEntry {
  uint64_t address, go_on;
};

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

Error table_full() {
  return {"a process can have " + std::to_string(Breakpoints::kMost) +
              " breakpoints, those at returns included; select fewer functions",
          ENOSPC};
}

Error cannot_write() { return {"its text cannot be written", EPERM}; }

uint64_t distance(uint64_t a, uint64_t b) { return a > b ? a - b : b - a; }

// The free place nearest to `near` that nothing is likely to grow into, at one of the two ends of
// what is free between two mappings; 0: there is none. What stands below may be the heap, which
// brk(2) makes grow; where it cannot, malloc(3) maps memory elsewhere.
uint64_t find_gap(const proc::Maps& maps, uint64_t near, uint64_t size) {
  constexpr uint64_t kMargin = 16 * kPage, kHeapMargin = 256u << 20, kLowest = 1 << 16;
  uint64_t free_from = kLowest, best = 0;
  auto offer = [&](uint64_t at) {
    if (best == 0 || distance(at, near) < distance(best, near)) best = at;
  };
  for (const proc::Mapping& mapping : maps.all()) {
    const uint64_t begin = mapping.range.begin;
    const uint64_t room = begin > free_from ? begin - free_from : 0;
    const bool grows_down = mapping.path == "[stack]";
    if (!grows_down && room >= size + 2 * kMargin) offer(begin - kMargin - size);
    if (room >= size + kHeapMargin + kMargin) offer(free_from + kHeapMargin);
    free_from = mapping.range.end;
  }
  return distance(best, near) < kNear ? best : 0;
}

}  // namespace

Breakpoints::~Breakpoints() {
  if (guardian_ != nullptr) guardian_->forget(pid_);
}

Result<Breakpoints::Arena*> Breakpoints::map_arena(StoppedThread& stop, ProcessMemory& memory,
                                                   uint64_t near) {
  const uint64_t size = home_ == 0 ? kHomeSize : kArenaSize;
  auto maps = proc::read_maps(pid_);
  uint64_t gap = maps ? find_gap(*maps, near, size) : 0;
  if (gap == 0) return Error{"no free memory is near it; select fewer functions", ENOMEM};
  auto mapped = call(stop, memory, SYS_mmap,
                     {gap, size, PROT_READ | PROT_EXEC,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE | MAP_NORESERVE, ~0ull, 0});
  if (!mapped) return mapped.error();
  Arena arena{*mapped, *mapped + size, *mapped, size};
  const bool is_home = home_ == 0;
  if (Status made = is_home ? make_home(stop, memory, arena) : Status{Done{}};
      !made || !note_arena(memory, arena)) {
    (void)run_syscall(stop, memory, SYS_munmap, {arena.begin, size, 0, 0, 0, 0});
    if (is_home) home_ = 0;
    return made ? cannot_write() : made.error();
  }
  arenas_.push_back(arena);
  return &arenas_.back();
}

// Nothing runs there before all of it is in place.
Status Breakpoints::make_home(StoppedThread& stop, ProcessMemory& memory, Arena& arena) {
  const auto size = static_cast<size_t>(wc_orphan_code_end - wc_orphan_code);
  if (!memory.write({arena.begin}, wc_orphan_code, size)) return cannot_write();
  auto writable = run_syscall(stop, memory, SYS_mprotect,
                              {arena.begin + kScratchAt, kPage, PROT_READ | PROT_WRITE, 0, 0, 0});
  if (!writable) return writable.error();
  arena.next += kTableAt + kTableSize;
  arena.end -= kPage;
  home_ = arena.begin;
  const uint64_t magic = OrphanRecord::kMagic;
  if (!memory.write({home_ + kRecordAt}, &magic, sizeof magic)) return cannot_write();
  return Done{};
}

// One too many is left behind by the tracer that takes over.
bool Breakpoints::note_arena(ProcessMemory& memory, const Arena& arena) {
  const uint64_t record = home_ + kRecordAt, number = arenas_.size(), count = number + 1;
  if (number >= OrphanRecord::kMostArenas) return true;
  const OrphanRecord::Part part{arena.begin, arena.size};
  return memory.write({record + offsetof(OrphanRecord, parts) + number * sizeof part}, &part,
                      sizeof part) &&
         memory.write({record + offsetof(OrphanRecord, arenas)}, &count, sizeof count);
}

Result<uint64_t> Breakpoints::thunk_near(StoppedThread& stop, ProcessMemory& memory,
                                         uint64_t address) {
  auto fits = [&](const Arena& arena) {
    return arena.next + kThunkRoom <= arena.end && distance(arena.begin, address) < kNear;
  };
  auto known = std::find_if(arenas_.begin(), arenas_.end(), fits);
  Arena* arena = known != arenas_.end() ? &*known : nullptr;
  if (arena == nullptr) {
    auto mapped = map_arena(stop, memory, address);
    if (!mapped) return mapped.error();
    arena = *mapped;
  }
  uint64_t thunk = arena->next;
  arena->next += kThunkRoom;
  return thunk;
}

// A thunk with what stands at the address; that of a killed tracer where it does the same.
Result<uint64_t> Breakpoints::thunk_for(StoppedThread& stop, ProcessMemory& memory,
                                        uint64_t address, std::span<const uint8_t> text,
                                        Displaced& displaced) {
  if (auto known = inherited_.find(address); known != inherited_.end()) {
    if (text[0] == kInt3)
      return Error{"a breakpoint of a tracer that was killed stands there", EBUSY};
    const uint64_t thunk = known->second.thunk;
    std::array<uint8_t, kDisplacedSize> there{};
    if (auto same = displace(text, address, thunk);
        same && memory.read_all({thunk}, there.data(), same->size) &&
        std::equal(there.begin(), there.begin() + same->size, same->code.begin())) {
      displaced = *same;
      return thunk;
    }
  }
  auto thunk = thunk_near(stop, memory, address);
  if (!thunk) return thunk.error();
  auto made = displace(text, address, *thunk);
  if (!made) return made.error();
  if (!memory.write({*thunk}, made->code.data(), made->size)) return cannot_write();
  displaced = *made;
  return *thunk;
}

// The table is read by a handler that may run while this is written: the count comes last.
bool Breakpoints::note_for_orphans(ProcessMemory& memory, BreakSite& site, uint64_t go_on) {
  uint64_t table = home_ + kTableAt;
  bool fresh = site.orphan_entry == 0;
  if (fresh && !free_orphan_entries_.empty()) {
    site.orphan_entry = free_orphan_entries_.back();
    free_orphan_entries_.pop_back();
    fresh = false;
  }
  uint32_t number = fresh ? orphan_entries_ + 1 : site.orphan_entry;
  OrphanEntry entry{site.address, go_on};
  if (!memory.write({table + kTableHead + (number - 1) * sizeof entry}, &entry, sizeof entry))
    return false;
  if (!fresh) return true;
  uint64_t count = number;
  if (!memory.write({table + offsetof(OrphanTable, entries)}, &count, sizeof count)) return false;
  site.orphan_entry = orphan_entries_ = number;
  return true;
}

// Whatever comes to stand at its place is not sent to its thunk.
void Breakpoints::free_orphan_entry(ProcessMemory& memory, const BreakSite& site) {
  if (site.orphan_entry == 0) return;
  constexpr OrphanEntry kNothing{};
  const uint64_t at = home_ + kTableAt + kTableHead + (site.orphan_entry - 1) * sizeof kNothing;
  if (memory.write({at}, &kNothing, sizeof kNothing))
    free_orphan_entries_.push_back(site.orphan_entry);
}

Result<BreakSite*> Breakpoints::place(StoppedThread& stop, ProcessMemory& memory, uint64_t address,
                                      BreakRole role) {
  BreakSite* site = at(address);
  if (site != nullptr && site->roles != 0) {
    site->roles |= static_cast<uint8_t>(role);
    return site;
  }
  if (site == nullptr && code_.at(pid_, address) == CodeKind::None)
    return Error{"no code is there", EFAULT};
  // One that the handler of an orphaned thread does not know would kill the program.
  if (site == nullptr && orphan_entries_ == kMost && free_orphan_entries_.empty())
    return table_full();
  uint8_t bytes[kLongestInstruction];
  memory.forget();
  size_t size = memory.read({address}, bytes, sizeof bytes);
  if (size == 0) return Error{"no memory is there", EFAULT};
  bool is_new = site == nullptr || size < site->displaced.length ||
                !std::equal(bytes, bytes + site->displaced.length, site->original.begin());
  if (is_new) {
    Displaced displaced;
    auto thunk = thunk_for(stop, memory, address, {bytes, size}, displaced);
    if (!thunk) return thunk.error();
    uint32_t entry = site != nullptr ? site->orphan_entry : 0;
    if (auto known = inherited_.extract(address)) entry = known.mapped().orphan_entry;
    site = &(sites_[address] = BreakSite{address, *thunk, displaced});
    std::copy(bytes, bytes + size, site->original.begin());
    site->orphan_entry = entry;
    thunks_[*thunk] = address;
  }
  if (!note_for_orphans(memory, *site, site->thunk)) return cannot_write();
  if (guardian_ != nullptr && !guardian_->note(pid_, address, site->original[0]))
    return Error{"all processes together have too many breakpoints; select fewer functions",
                 ENOSPC};
  if (!memory.write({address}, &kInt3, 1)) {
    if (guardian_ != nullptr) guardian_->forget(pid_, address);
    return cannot_write();
  }
  site->roles = static_cast<uint8_t>(role);
  site->strays = 0;
  return site;
}

// Where the program has written over it, that stays.
bool Breakpoints::remove_again(ProcessMemory& memory, const BreakSite& site) const {
  uint8_t now = 0;
  memory.forget();
  return memory.read({site.address}, &now, 1) != 1 || now != kInt3 ||
         memory.write({site.address}, site.original.data(), 1);
}

void Breakpoints::remove(ProcessMemory& memory, BreakSite& site, BreakRole role) {
  if (site.roles == 0) return;
  site.roles &= static_cast<uint8_t>(~static_cast<uint8_t>(role));
  if (site.roles != 0) return;
  // Where the text cannot be put back, threads still find their way through the thunk.
  if (!remove_again(memory, site) || !note_for_orphans(memory, site, site.address)) return;
  if (guardian_ != nullptr) guardian_->forget(pid_, site.address);
}

// Also where none should be: a child's text is as old as its fork.
void Breakpoints::remove_all(ProcessMemory& memory) {
  for (auto& [address, site] : sites_) {
    if (site.roles == 0) {
      (void)remove_again(memory, site);  // a process that is gone needs it no more
      continue;
    }
    site.roles = static_cast<uint8_t>(BreakRole::Entry);
    remove(memory, site, BreakRole::Entry);
  }
}

BreakSite* Breakpoints::at(uint64_t address) {
  auto found = sites_.find(address);
  return found == sites_.end() ? nullptr : &found->second;
}

BreakSite* Breakpoints::behind(uint64_t ip) { return at(ip - 1); }

std::optional<DisplacedPlace> Breakpoints::in_thunk(uint64_t ip) const {
  auto after = thunks_.upper_bound(ip);
  if (after == thunks_.begin()) return std::nullopt;
  auto [thunk, address] = *std::prev(after);
  auto site = sites_.find(address);
  if (ip - thunk >= kThunkRoom || site == sites_.end() || site->second.thunk != thunk)
    return std::nullopt;
  return site->second.displaced.place(ip - thunk);
}

size_t Breakpoints::read_text(ProcessMemory& memory, uint64_t address,
                              std::span<uint8_t> out) const {
  const size_t size = memory.read({address}, out.data(), out.size());
  for (auto at = sites_.lower_bound(address); at != sites_.end() && at->first < address + size;
       ++at)
    if (uint8_t& byte = out[at->first - address]; byte == kInt3) byte = at->second.original[0];
  return size;
}

void Breakpoints::forget_unmapped(ProcessMemory& memory, AddressRange span) {
  memory.forget();
  code_.forget();
  for (auto at = sites_.lower_bound(span.begin); at != sites_.end() && at->first < span.end;) {
    uint8_t now = 0;
    bool is_there = memory.read({at->first}, &now, 1) == 1 && now == kInt3;
    if (is_there || at->second.roles == 0) {
      ++at;
      continue;
    }
    if (guardian_ != nullptr) guardian_->forget(pid_, at->first);
    free_orphan_entry(memory, at->second);
    thunks_.erase(at->second.thunk);
    at = sites_.erase(at);
  }
}

std::shared_ptr<Breakpoints> Breakpoints::copy_for(pid_t child, ProcessMemory& its_memory) const {
  uint8_t byte = 0;
  auto is_there = [&](const Arena& arena) { return its_memory.read({arena.begin}, &byte, 1) == 1; };
  if (!std::all_of(arenas_.begin(), arenas_.end(), is_there))
    return std::make_shared<Breakpoints>(child, guardian_);
  auto copy = std::make_shared<Breakpoints>(*this);
  copy->pid_ = child;
  for (auto& [address, site] : copy->sites_) site.users = 0;
  if (guardian_ != nullptr)
    for (const auto& [address, site] : sites_)
      if (site.roles != 0) (void)guardian_->note(child, address, site.original[0]);
  return copy;
}

// From a place to which the thread finds back without us, once it has the handler for that.
Result<uint64_t> Breakpoints::call(StoppedThread& stop, ProcessMemory& memory, uint32_t nr,
                                   const std::array<uint64_t, 6>& args) {
  InjectionPlace place;
  if (has_handler_)
    place = {home_ + static_cast<uint64_t>(wc_injected - wc_orphan_code), home_ + kInjectionRoom};
  return run_syscall(stop, memory, nr, args, place);
}

namespace {

constexpr uint64_t kMaskSize = 8;

// Whether another tracer's handler stands there, be it of another version. It is left to what it
// knows.
bool is_home(ProcessMemory& memory, uint64_t address) {
  uint64_t magic = 0;
  return address % kPage == 0 && memory.read_all({address + kRecordAt}, &magic, sizeof magic) &&
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

void Breakpoints::adopt(ProcessMemory& memory) {
  auto maps = proc::read_maps(pid_);
  if (!maps || home_ != 0) return;
  for (const proc::Mapping& mapping : maps->all()) {
    const uint64_t begin = mapping.range.begin;
    const bool may_be = mapping.rights.execute && mapping.path.empty() &&
                        mapping.range.size() >= kTableAt + kTableSize;
    if (may_be && is_home(memory, begin) && is_same_version(memory, begin) &&
        adopt_home(memory, begin))
      return;
  }
}

bool Breakpoints::adopt_home(ProcessMemory& memory, uint64_t home) {
  OrphanRecord record{};
  OrphanTable table{};
  if (!memory.read_all({home + kRecordAt}, &record, sizeof record) ||
      !memory.read_all({home + kTableAt}, &table, sizeof table) || table.entries > kMost)
    return false;
  std::vector<OrphanEntry> entries(table.entries);
  if (!memory.read_all({home + kTableAt + kTableHead}, entries.data(),
                       entries.size() * sizeof(OrphanEntry)))
    return false;
  await_guardian(memory, entries);
  home_ = home;
  former_action_ = record.former;
  for (uint64_t i = 0; i < std::min(record.arenas, OrphanRecord::kMostArenas); i++) {
    const auto [begin, size] = record.parts[i];
    Arena arena{begin, begin + size, begin, size};
    if (begin == home) arena.next += kTableAt + kTableSize, arena.end -= kPage;
    for (const OrphanEntry& one : entries)
      if (one.go_on >= arena.next && one.go_on < arena.end && one.go_on != one.address)
        arena.next = one.go_on + kThunkRoom;
    arenas_.push_back(arena);
  }
  orphan_entries_ = static_cast<uint32_t>(entries.size());
  for (uint32_t i = 0; i < entries.size(); i++) {
    if (entries[i].address == 0)
      free_orphan_entries_.push_back(i + 1);
    else
      inherited_[entries[i].address] = {i + 1, entries[i].go_on};
  }
  return true;
}

bool Breakpoints::read_action(StoppedThread& stop, ProcessMemory& memory, SignalAction& action) {
  const uint64_t room = home_ + kScratchAt;
  memory.forget();
  return call(stop, memory, SYS_rt_sigaction, {SIGTRAP, 0, room, kMaskSize, 0, 0}).ok() &&
         memory.read_all({room}, &action, sizeof action);
}

bool Breakpoints::write_action(StoppedThread& stop, ProcessMemory& memory,
                               const SignalAction& action) {
  const uint64_t room = home_ + kScratchAt;
  return memory.write({room}, &action, sizeof action) &&
         call(stop, memory, SYS_rt_sigaction, {SIGTRAP, room, 0, kMaskSize, 0, 0}).ok();
}

void Breakpoints::protect(StoppedThread& stop, ProcessMemory& memory, uint64_t near,
                          AddressRange shim) {
  protected_ = true;
  if (home_ == 0 && !map_arena(stop, memory, near)) return;
  SignalAction now;
  if (!read_action(stop, memory, now)) return;
  has_handler_ = now.handler == home_;
  if (has_handler_) return;  // it was adopted, and with it what was there before
  former_action_ = now;
  uint64_t former = now.handler;
  const bool is_own = former > reinterpret_cast<uint64_t>(SIG_IGN) && !shim.contains(former) &&
                      !is_home(memory, former);
  if (is_own) return;
  if (!memory.write({home_ + kTableAt + offsetof(OrphanTable, former_handler)}, &former,
                    sizeof former) ||
      !memory.write({home_ + kRecordAt + offsetof(OrphanRecord, former)}, &now, sizeof now))
    return;
  constexpr uint64_t kFlags = SA_SIGINFO | 0x04000000 /* SA_RESTORER */ | SA_ONSTACK | SA_NODEFER;
  auto restorer = static_cast<uint64_t>(wc_orphan_return - wc_orphan_code);
  has_handler_ = write_action(stop, memory, {home_, kFlags, home_ + restorer, 0});
}

void Breakpoints::unmap(StoppedThread& stop, ProcessMemory& memory) {
  SignalAction now;
  if (has_handler_ && read_action(stop, memory, now) && now.handler == home_)
    write_action(stop, memory, former_action_);
  has_handler_ = false;
  for (const Arena& arena : arenas_)
    (void)run_syscall(stop, memory, SYS_munmap, {arena.begin, arena.size, 0, 0, 0, 0});
  arenas_.clear();
  sites_.clear();
  thunks_.clear();
  home_ = 0;
}

}  // namespace wc
