// What of the process's memory is the tool's: the shim's code, and what it shares with the tracer.
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <string>

#include "engine/tracer.h"
#include "kernel/remote_syscall.h"

namespace wc {
namespace {

struct NamedRange {
  AddressRange range;
  std::string path;
};

// A line of /proc/PID/maps (proc(5)).
NamedRange read_mapping(const std::string& line) {
  NamedRange mapping;
  char* end = nullptr;
  mapping.range.begin = std::strtoull(line.c_str(), &end, 16);
  if (*end == '-') mapping.range.end = std::strtoull(end + 1, nullptr, 16);
  if (size_t slash = line.find('/'); slash != std::string::npos) mapping.path = line.substr(slash);
  return mapping;
}

NamedRange mapping_at(pid_t pid, uint64_t at) {
  std::ifstream maps("/proc/" + std::to_string(pid) + "/maps");
  for (std::string line; std::getline(maps, line);)
    if (NamedRange mapping = read_mapping(line); mapping.range.contains(at)) return mapping;
  return {};
}

// What of `whole` is free around `at`; empty where something is mapped there.
AddressRange hole_at(pid_t pid, AddressRange whole, uint64_t at) {
  AddressRange hole = whole;
  std::ifstream maps("/proc/" + std::to_string(pid) + "/maps");
  for (std::string line; std::getline(maps, line);) {
    AddressRange taken = read_mapping(line).range;
    if (taken.contains(at)) return {};
    if (taken.end <= at) hole.begin = std::max(hole.begin, taken.end);
    if (taken.begin > at) hole.end = std::min(hole.end, taken.begin);
  }
  return hole;
}

}  // namespace

// The shim makes syscalls before it can say where it is: it connects. By then the file is mapped.
bool Tracer::is_shims_own(Process& process, uint64_t ip) const {
  if (process.table == nullptr) return false;
  if (process.shim.exempt_end != 0) return process.shim.issues(ip);
  if (process.not_shim.contains(ip)) return false;
  NamedRange there = mapping_at(process.pid, ip);
  if (there.path == options_.shim_path) return true;
  process.not_shim = there.range;
  return false;
}

// Whether the address is one of the shim's functions.
bool Tracer::in_shim(Process& process, uint64_t address) {
  ShimAddresses& shim = process.shim;
  if (shim.bell == 0) return false;
  if (shim.text.end == 0) shim.text = mapping_at(process.pid, shim.bell).range;
  return shim.text.contains(address);
}

// The program has unmapped what it shares with the tracer, and the shim has met the hole: it is
// filled with the same memory again, and the thread goes on as if nothing had been.
bool Tracer::map_shared_again(StoppedThread& stop, Thread& thread, user_regs_struct& regs,
                              uint64_t fault) {
  Process& process = *thread.process;
  ProcessShare* share = process.share.load(std::memory_order_acquire);
  if (share == nullptr || !in_shim(process, regs.rip)) return false;
  uint64_t begin = share->header().address;
  AddressRange whole{begin, begin + share->size()};
  if (!whole.contains(fault)) return false;
  AddressRange hole = hole_at(process.pid, whole, fault);
  if (hole.begin == hole.end) return true;  // another thread was here

  constexpr uint64_t kBelowStack = 1024;  // the red zone, and the path
  const InjectionPlace place{process.shim.gadget, 0};
  auto call = [&](uint32_t nr, const std::array<uint64_t, 6>& args) {
    return run_syscall(stop, process.memory, nr, args, place);
  };
  std::string path = "/proc/" + std::to_string(getpid()) + "/fd/" + std::to_string(share->fd());
  uint64_t room = regs.rsp - kBelowStack;
  if (!process.memory.write({room}, path.c_str(), path.size() + 1)) return false;
  auto fd = call(SYS_openat, {static_cast<uint64_t>(AT_FDCWD), room, O_RDWR | O_CLOEXEC, 0, 0, 0});
  if (!fd) return false;
  uint64_t size = hole.end - hole.begin;
  auto mapped =
      call(SYS_mmap, {hole.begin, size, PROT_READ | PROT_WRITE,
                      MAP_SHARED | MAP_NORESERVE | MAP_FIXED_NOREPLACE, *fd, hole.begin - begin});
  (void)call(SYS_close, {*fd, 0, 0, 0, 0, 0});
  if (!mapped) return false;
  (void)call(SYS_madvise, {hole.begin, size, MADV_DONTFORK, 0, 0, 0});  // as client.c has it
  say(1, "process " + std::to_string(process.pid) +
             " has unmapped the memory that it shares with the tracer; it is mapped again");
  return true;
}

}  // namespace wc
