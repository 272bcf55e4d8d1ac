/*
 * greet.c: how a process gets the memory that it shares with the tracer.
 *
 * The process makes it (memfd_create) and asks by its bell; the tracer, which traces the process,
 * takes the descriptor from it, gives the memory its size, and answers. So nothing that a program
 * may lose stands between the two: no path (chroot, private mounts), no user (setuid), no socket
 * (filters). Under a filter, which may kill for memfd_create, and without a free descriptor, the
 * memory is anonymous where the tracer may open that. Where the tracer may take neither (an
 * undumpable process, and no CAP_SYS_PTRACE), the Unix socket brings memory.
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

uint32_t wc_asks_first = 1;

/* Memory that no descriptor names: the tracer finds it by its address. */
static uint64_t ask_anonymous(const struct wc_hello *hello, uint64_t size, long *address) {
  enum { kReadWrite = 3, kSharedAnonymous = 0x21, kNoReserve = 0x4000 };
  *address = wc_syscall(kMmap, 0, (long)size, kReadWrite, kSharedAnonymous | kNoReserve, -1);
  if (*address < 0 && *address >= -(long)WC_PAGE) return WC_HELLO_BY_SOCKET;
  uint64_t answer = wc_ask(WC_ASK_HELLO_ANONYMOUS, (uint64_t)hello, (uint64_t)*address);
  if (answer == 0 || answer == WC_HELLO_BY_SOCKET) {
    wc_sys2(kMunmap, *address, (long)size);
    *address = 0;
  }
  return answer;
}

/* The answer; `fd` and `address` are what it is about. */
static uint64_t ask_by_bell(uint32_t flags, long *fd, long *address) {
  struct wc_hello hello;
  wc_describe(&hello, flags);
  *fd = wc_asks_first ? (long)WC_NOT_TRIED : new_memory();
  /* What to try; and once more, where there was no free descriptor. */
  for (int tries = 0; tries < 3; tries++) {
    uint64_t answer = wc_ask(WC_ASK_HELLO, (uint64_t)&hello, (uint64_t)*fd);
    if (answer & WC_HELLO_ANONYMOUS)
      return ask_anonymous(&hello, answer & -(uint64_t)WC_PAGE, address);
    if (answer != WC_HELLO_BY_MEMFD) return answer;
    *fd = new_memory();
  }
  return 0;
}

static long keep_shared(long address) {
  struct wc_shared_header *shared = (struct wc_shared_header *)address;
  if (shared->magic != WC_SHARED_MAGIC) return kEproto;
  shared->address = (uint64_t)address;
  wc_process.shared = shared;
  wc_process.ring_mask = shared->ring_records - 1;
  wc_process.config = shared->config;
  wc_process.gate = shared->gate;
  return 0;
}

static long map_shared(long fd, uint64_t size) {
  enum { kReadWrite = 3, kShared = 1, kNoReserve = 0x4000 };
  long address = wc_syscall(kMmap, 0, (long)size, kReadWrite, kShared | kNoReserve, fd);
  if (address < 0 && address >= -(long)WC_PAGE) return address;
  long kept = keep_shared(address);
  if (kept != 0) wc_sys2(kMunmap, address, (long)size);
  return kept;
}

int wc_greet(void) {
  const struct wc_stubs *stubs = wc_stub_table();
  wc_process.socket = -1;
  uint32_t flags = 0;
  if (stubs->gate == WC_GATE_SOCKET && wc_open_gate() == 0) flags |= WC_HELLO_HAS_GATE;
  long fd, address = 0;
  uint64_t answer = ask_by_bell(flags, &fd, &address);
  wc_asks_first = 1;
  if (answer == WC_HELLO_BY_SOCKET) {
    if (fd >= 0) wc_sys1(kClose, fd);
    fd = wc_ask_for_memory(&answer);
  }
  uint64_t size = answer & -(uint64_t)WC_PAGE;
  long mapped = address > 0 ? keep_shared(address)
                : fd < 0    ? fd
                : size == 0 ? kEproto
                            : map_shared(fd, size);
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
