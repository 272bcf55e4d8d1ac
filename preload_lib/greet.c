/*
 * greet.c: how a process gets the memory that it shares with the tracer.
 *
 * The process makes it (memfd_create) and asks by its bell; the tracer, which traces the process,
 * takes the descriptor from it, gives the memory its size, and answers. So nothing that a program
 * may lose stands between the two: no path (chroot, private mounts), no user (setuid), no socket
 * (filters). Where the tracer may not take the descriptor (an undumpable process, and no
 * CAP_SYS_PTRACE), the Unix socket brings one.
 */
#include "preload_lib/shim.h"

enum { kClose = 3, kMmap = 9, kMunmap = 11, kMadvise = 28, kMemfdCreate = 319 };
enum { kEinval = -22, kEproto = -71 };

/* Linux 6.3 wants to know whether the memory may be executed; older kernels do not know the flag.
 */
static long new_memory(void) {
  enum { kCloexec = 1, kAllowSealing = 2, kNoexecSeal = 8 };
  static const char name[] = "wc-shared";
  long fd = wc_sys2(kMemfdCreate, (long)name, kCloexec | kAllowSealing | kNoexecSeal);
  return fd == kEinval ? wc_sys2(kMemfdCreate, (long)name, kCloexec | kAllowSealing) : fd;
}

/* What is wiped in a forked child starts detached there; and the child must not write into its
 * parent's slots, nor a core dump hold them. */
static int advise(uint64_t address, uint64_t size) {
  enum { kDontFork = 10, kDontDump = 16, kWipeOnFork = 18 };
  wc_sys3(kMadvise, (long)address, (long)size, kDontDump);
  wc_sys3(kMadvise, (long)address, (long)size, kDontFork);
  return wc_sys3(kMadvise, (long)&wc_process, WC_PAGE, kWipeOnFork) == 0;
}

static long map_shared(long fd, uint64_t size) {
  enum { kReadWrite = 3, kShared = 1, kNoReserve = 0x4000 };
  long address = wc_syscall(kMmap, 0, (long)size, kReadWrite, kShared | kNoReserve, fd);
  if (address < 0 && address >= -(long)WC_PAGE) return address;
  struct wc_shared_header *shared = (struct wc_shared_header *)address;
  if (shared->magic != WC_SHARED_MAGIC || size < WC_HEADER_SIZE) {
    wc_sys2(kMunmap, address, (long)size);
    return kEproto;
  }
  shared->address = (uint64_t)address;
  wc_process.shared = shared;
  wc_process.ring_mask = shared->ring_records - 1;
  wc_process.config = shared->config;
  wc_process.gate = shared->gate;
  return 0;
}

static uint64_t ask_by_bell(long *fd, uint32_t flags) {
  struct wc_hello hello;
  wc_describe(&hello, flags);
  *fd = new_memory();
  uint64_t answer = wc_ask(WC_ASK_HELLO, (uint64_t)&hello, (uint64_t)*fd);
  if (answer != WC_HELLO_AGAIN) return answer;
  *fd = new_memory();
  return wc_ask(WC_ASK_HELLO, (uint64_t)&hello, (uint64_t)*fd);
}

int wc_greet(void) {
  const struct wc_stubs *stubs = wc_stub_table();
  wc_process.socket = -1;
  uint32_t flags = WC_HELLO_NO_WIPE;
  if (stubs->gate == WC_GATE_SOCKET && wc_open_gate() == 0) flags |= WC_HELLO_HAS_GATE;
  long fd;
  uint64_t answer = ask_by_bell(&fd, flags);
  if (answer == WC_HELLO_BY_SOCKET) {
    if (fd >= 0) wc_sys1(kClose, fd);
    fd = wc_ask_for_memory(&answer);
  }
  uint64_t size = answer & -(uint64_t)WC_PAGE;
  long mapped = fd < 0 ? fd : size == 0 ? kEproto : map_shared(fd, size);
  if (fd >= 0) wc_sys1(kClose, fd);
  if (mapped != 0) {
    if (answer != 0) wc_ask(WC_ASK_UNMAPPED, (uint64_t)mapped, 0);
    return -1;
  }
  /* The tracer wipes a child's state at its fork until it is known that the kernel does. */
  if (!(answer & WC_HELLO_FILTERED) && advise((uint64_t)wc_process.shared, size))
    wc_process.shared->kernel_wipes = 1;
  return 0;
}
