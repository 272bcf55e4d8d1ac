#include "breakpoints/breakpoints.h"

#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <string>
#include <utility>

#include "kernel/remote_syscall.h"
#include "proc/maps.h"

namespace wc {
namespace {

constexpr uint64_t kThunkRoom = OrphanHome::kThunkRoom;
static_assert(kThunkRoom >= kDisplacedSize);
// A thunk is at most this far from its instruction; the rest of the 2 GiB is for what that refers
// to.
constexpr uint64_t kNear = 1u << 30;

Error table_full() {
  return {"a process can have " + std::to_string(Breakpoints::kMost) +
              " breakpoints, those at returns included; select fewer functions",
          ENOSPC};
}

uint64_t distance(uint64_t a, uint64_t b) { return a > b ? a - b : b - a; }

// The free place nearest to `near` that nothing is likely to grow into, at one of the two ends of
// what is free between two mappings; 0: there is none. What stands below may be the heap, which
// brk(2) makes grow; where it cannot, malloc(3) maps memory elsewhere.
uint64_t find_gap(const proc::Maps& maps, uint64_t near, uint64_t size) {
  constexpr uint64_t kMargin = 16 * OrphanHome::kPage, kHeapMargin = 256u << 20, kLowest = 1 << 16;
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
  if (const auto guardian = guardian_.lock()) guardian->forget(pid_);
}

Result<Arena*> Breakpoints::map_arena(StoppedThread& stop, ProcessMemory& memory, uint64_t near) {
  const bool is_home = !home_.exists();
  const uint64_t size = is_home ? OrphanHome::kSize : OrphanHome::kArenaSize;
  auto maps = proc::read_maps(pid_);
  uint64_t gap = maps ? find_gap(*maps, near, size) : 0;
  if (gap == 0) return Error{"no free memory is near it; select fewer functions", ENOMEM};
  auto mapped =
      home_.call(stop, memory, SYS_mmap,
                 {gap, size, PROT_READ | PROT_EXEC,
                  MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE | MAP_NORESERVE, ~0ull, 0});
  if (!mapped) return mapped.error();
  Arena arena{*mapped, *mapped + size, *mapped, size};
  Status made = is_home ? home_.make(stop, memory, arena) : Status{Done{}};
  if (made) made = home_.note_arena(memory, arena, arenas_.size());
  if (!made) {
    (void)run_syscall(stop, memory, SYS_munmap, {arena.begin, size, 0, 0, 0, 0});
    if (is_home) home_ = {};
    return made.error();
  }
  arenas_.push_back(arena);
  return &arenas_.back();
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
  if (!memory.write({*thunk}, made->code.data(), made->size)) return OrphanHome::cannot_write();
  displaced = *made;
  return *thunk;
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
  if (site == nullptr && home_.is_full()) return table_full();
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
    if (auto known = inherited_.extract(address)) entry = known.mapped().number;
    site = &(sites_[address] = BreakSite{address, *thunk, displaced});
    std::copy(bytes, bytes + size, site->original.begin());
    site->orphan_entry = entry;
    thunks_[*thunk] = address;
  }
  if (!home_.note(memory, site->orphan_entry, address, site->thunk))
    return OrphanHome::cannot_write();
  const auto guardian = guardian_.lock();
  if (guardian != nullptr && !guardian->note(pid_, address, site->original[0]))
    return Error{"all processes together have too many breakpoints; select fewer functions",
                 ENOSPC};
  if (!memory.write({address}, &kInt3, 1)) {
    if (guardian != nullptr) guardian->forget(pid_, address);
    return OrphanHome::cannot_write();
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
  if (!remove_again(memory, site) ||
      !home_.note(memory, site.orphan_entry, site.address, site.address))
    return;
  if (const auto guardian = guardian_.lock()) guardian->forget(pid_, site.address);
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
    if (const auto guardian = guardian_.lock()) guardian->forget(pid_, at->first);
    home_.free(memory, at->second.orphan_entry);
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
  if (const auto guardian = guardian_.lock())
    for (const auto& [address, site] : sites_)
      if (site.roles != 0) (void)guardian->note(child, address, site.original[0]);
  return copy;
}

void Breakpoints::adopt(ProcessMemory& memory) {
  if (home_.exists()) return;
  auto found = home_.adopt(pid_, memory);
  arenas_ = std::move(found.arenas);
  inherited_ = std::move(found.entries);
}

void Breakpoints::protect(StoppedThread& stop, ProcessMemory& memory, uint64_t near,
                          AddressRange shim) {
  protected_ = true;
  if (home_.exists() || map_arena(stop, memory, near)) home_.take_signal(stop, memory, shim);
}

void Breakpoints::unmap(StoppedThread& stop, ProcessMemory& memory) {
  home_.give_signal_back(stop, memory);
  for (const Arena& arena : arenas_)
    (void)run_syscall(stop, memory, SYS_munmap, {arena.begin, arena.size, 0, 0, 0, 0});
  arenas_.clear();
  sites_.clear();
  thunks_.clear();
  home_ = {};
}

}  // namespace wc
