#include "tracee/shim_memory.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <string>

#include "kernel/borrowed_memory.h"
#include "kernel/remote_syscall.h"
#include "proc/maps.h"

namespace wc {
namespace {

// What of `whole` is free around `at`; empty where something is mapped there.
AddressRange hole_at(pid_t pid, AddressRange whole, uint64_t at) {
  auto maps = proc::read_maps(pid);
  if (!maps) return {};
  AddressRange hole = whole;
  for (const proc::Mapping& mapping : maps->all()) {
    const AddressRange& taken = mapping.range;
    if (taken.contains(at)) return {};
    if (taken.end <= at) hole.begin = std::max(hole.begin, taken.end);
    if (taken.begin > at) hole.end = std::min(hole.end, taken.begin);
  }
  return hole;
}

}  // namespace

// The shim or a stub library.
bool ShimMemory::is_own_library(const Process& process, const std::string& path) const {
  return path == run_.options.shim_path || copies_.holds(path) ||
         (process.table != nullptr && path == process.table->stub_path);
}

// The shim makes syscalls before it can say where it is: it connects. By then the file is mapped.
bool ShimMemory::is_shims_own(Process& process, uint64_t ip) const {
  if (process.table == nullptr) return false;
  if (process.shim.exempt_end != 0) return process.shim.issues(ip);
  if (process.not_shim.contains(ip)) return false;
  auto maps = proc::read_maps(process.pid);
  const proc::Mapping* there = maps ? maps->at(ip) : nullptr;
  if (there == nullptr) return false;
  if (is_own_library(process, there->path)) return true;
  process.not_shim = there->range;
  return false;
}

// Whether the address is one of the shim's functions.
bool in_shim(Process& process, uint64_t address) {
  ShimAddresses& shim = process.shim;
  if (shim.bell == 0) return false;
  if (shim.text.empty())
    if (auto maps = proc::read_maps(process.pid))
      if (const proc::Mapping* text = maps->at(shim.bell)) shim.text = text->range;
  return shim.text.contains(address);
}

// The program has unmapped what it shares with the tracer, and the shim has met the hole: it is
// filled with the same memory again, and the thread runs on as if nothing had been.
bool ShimMemory::map_again(StoppedThread& stop, Thread& thread, user_regs_struct& regs,
                           uint64_t fault) const {
  Process& process = *thread.process;
  ProcessShare* share = process.share.get();
  if (share == nullptr || !in_shim(process, regs.rip)) return false;
  const ProcessShare::Segment* segment = share->segment_at(fault);
  if (segment == nullptr) return false;
  AddressRange whole{segment->address, segment->address + segment->size};
  AddressRange hole = hole_at(process.pid, whole, fault);
  if (hole.empty()) return true;  // another thread was here

  const InjectionPlace place = process.shim.place();
  auto call = [&](uint32_t nr, const std::array<uint64_t, 6>& args) {
    return run_syscall(stop, process.memory, nr, args, place);
  };
  std::string path = "/proc/" + std::to_string(getpid()) + "/fd/" + std::to_string(share->fd());
  uint64_t room = regs.rsp - kBelowRedZone;
  BorrowedMemory name(process.memory, {room}, path.c_str(), path.size() + 1);
  if (!name.ok()) return false;
  auto fd = call(SYS_openat, {static_cast<uint64_t>(AT_FDCWD), room, O_RDWR | O_CLOEXEC, 0, 0, 0});
  if (!fd) return false;
  uint64_t size = hole.size();
  auto mapped = call(SYS_mmap, {hole.begin, size, PROT_READ | PROT_WRITE,
                                MAP_SHARED | MAP_NORESERVE | MAP_FIXED_NOREPLACE, *fd,
                                segment->offset + (hole.begin - segment->address)});
  (void)call(SYS_close, {*fd, 0, 0, 0, 0, 0});
  if (!mapped) return false;
  for (uint64_t advice : {MADV_DONTFORK, MADV_DONTDUMP})  // as greet.c has it
    (void)call(SYS_madvise, {hole.begin, size, advice, 0, 0, 0});
  run_.say(1, "process " + std::to_string(process.pid) +
                  " has unmapped the memory that it shares with the tracer; it is mapped again");
  return true;
}

// A program may forbid itself to read the time-stamp counter (PR_SET_TSC in prctl(2)); the shim's
// time stamps are none of its business.
bool ShimMemory::read_clock(const StoppedThread& stop, Thread& thread, user_regs_struct& regs) {
  constexpr std::array<uint8_t, 2> kRdtsc = {0x0f, 0x31};
  std::array<uint8_t, 2> code{};
  if (!in_shim(*thread.process, regs.rip) ||
      !thread.process->memory.read_all({regs.rip}, code.data(), code.size()) || code != kRdtsc)
    return false;
  uint64_t now = __builtin_ia32_rdtsc();
  regs.rax = now & 0xffffffff;
  regs.rdx = now >> 32;
  regs.rip += kRdtsc.size();
  return stop.set_registers(regs);
}

}  // namespace wc
