/*
 * client.c: the shim's end of the socket. Raw syscalls only; loss of the socket is never fatal.
 *
 * Gate socket speaks over it; its connection stays, moved to a high number, and is checked before
 * each use: a program that closed it may have reused the number for something of its own. Under the
 * other gates the shim connects only where the tracer cannot take the shared memory by itself
 * (greet.c), and closes the connection at once.
 */
#include "preload_lib/shim.h"

enum {
  kClose = 3,
  kGetpid = 39,
  kSocket = 41,
  kConnect = 42,
  kSendto = 44,
  kRecvfrom = 45,
  kRecvmsg = 47,
  kSetsockopt = 54,
  kGetsockopt = 55,
  kFcntl = 72,
  kFutex = 202,
  kPrlimit = 302
};
enum { kEintr = -4, kEproto = -71, kEio = -5 };

struct address {
  uint16_t family;
  char path[WC_SOCKET_PATH_SIZE];
};

struct vector {
  void *base;
  uint64_t size;
};

struct message_header {
  void *name;
  uint32_t name_size;
  struct vector *vectors;
  uint64_t vector_count;
  void *control;
  uint64_t control_size;
  int32_t flags;
};

struct control {
  uint64_t size;
  int32_t level, type;
  int32_t fd, padding;
};

/* The number and cookie of the socket outlive a fork here: the child closes its copy. */
static int32_t inherited_socket = -1;
static uint64_t inherited_cookie;

/* Names one socket of this kernel for ever (SO_COOKIE, Linux 4.12); 0 for what is no socket. Asks
 * for 8 bytes of stack where fstat takes 144. */
static __attribute__((noinline)) uint64_t cookie_of(int fd) {
  enum { kSolSocket = 1, kSoCookie = 57 };
  uint64_t cookie = 0;
  uint32_t size = sizeof cookie;
  long n = wc_syscall(kGetsockopt, fd, kSolSocket, kSoCookie, (long)&cookie, (long)&size);
  return n == 0 ? cookie : 0;
}

static __attribute__((noinline)) long send_message(int fd, const void *message, uint32_t size) {
  enum { kNoSignal = 0x4000 };
  long n;
  do n = wc_syscall(kSendto, fd, (long)message, size, kNoSignal, 0);
  while (n == kEintr);
  return n == (long)size ? 0 : n < 0 ? n : kEio;
}

/* One packet and the descriptor that came with it (-1 when none did). */
static long receive_message(int fd, void *buffer, uint32_t size, int32_t *passed) {
  enum { kCloseOnExec = 0x40000000, kSolSocket = 1, kScmRights = 1 };
  struct vector vector = {buffer, size};
  struct control control = {0, 0, 0, -1, 0};
  struct message_header header = {0, 0, &vector, 1, &control, sizeof control, 0};
  long n;
  do n = wc_sys3(kRecvmsg, fd, (long)&header, kCloseOnExec);
  while (n == kEintr);
  *passed = -1;
  if (n >= 0 && header.control_size >= sizeof control - 4 && control.level == kSolSocket &&
      control.type == kScmRights)
    *passed = control.fd;
  return n;
}

static long open_socket(const char *path) {
  enum { kUnix = 1, kSeqpacket = 5, kCloexec = 02000000, kSolSocket = 1, kRcvTimeo = 20 };
  long fd = wc_sys3(kSocket, kUnix, kSeqpacket | kCloexec, 0);
  if (fd < 0) return fd;
  struct address address;
  address.family = kUnix;
  for (unsigned i = 0; i < sizeof address.path; i++) address.path[i] = path[i];
  int64_t patience[2] = {10, 0}; /* seconds: a tracer that does not answer is as good as none */
  wc_syscall(kSetsockopt, fd, kSolSocket, kRcvTimeo, (long)patience, sizeof patience);
  long n;
  do n = wc_sys3(kConnect, fd, (long)&address, sizeof address);
  while (n == kEintr);
  if (n == 0) return fd;
  wc_sys1(kClose, fd);
  return n;
}

extern const char wc_gadget_syscall[], wc_bell_address[];
extern const char wc_thunks[], wc_thunks_end[], wc_site_begin[], wc_site_end[], wc_site_return[];
extern const char wc_copy_begin[], wc_copy_end[];
extern const char wc_landing[], wc_landing_saved[], wc_landing_restored[], wc_landing_end[];

void wc_describe(struct wc_hello *hello, uint32_t flags) {
  *hello = (struct wc_hello){
      .head = wc_message_head(WC_HELLO),
      .oldest_version = WC_PROTOCOL_OLDEST,
      .flags = flags,
      .state = (uint64_t)&wc_process,
      .state_size = sizeof wc_process,
      .stub_id = wc_stub_table()->id,
      .bell = (uint64_t)wc_bell_address,
      .gadget = (uint64_t)wc_gadget_syscall,
      .landing = (uint64_t)wc_landing,
      .landing_saved = (uint64_t)wc_landing_saved,
      .landing_restored = (uint64_t)wc_landing_restored,
      .landing_end = (uint64_t)wc_landing_end,
      .exempt_begin = (uint64_t)wc_exempt_begin,
      .exempt_end = (uint64_t)wc_exempt_end,
      .thunks = (uint64_t)wc_thunks,
      .thunks_end = (uint64_t)wc_thunks_end,
      .site = (uint64_t)wc_site_begin,
      .site_end = (uint64_t)wc_site_end,
      .site_return = (uint64_t)wc_site_return,
      .copy = (uint64_t)wc_copy_begin,
      .copy_end = (uint64_t)wc_copy_end,
      .selector_offset =
          (int64_t)((uint64_t)&wc_thread.selector - (uint64_t)__builtin_thread_pointer()),
      .injection = (uint64_t)&wc_injection,
  };
}

/* Connects and says what for; returns the connection. `memory`: what came with the welcome, or -1.
 */
static long connect_for(uint32_t flags, int32_t *memory, uint64_t *size) {
  *memory = -1;
  long fd = open_socket(wc_stub_table()->socket_path);
  if (fd < 0) return fd;
  struct wc_hello hello;
  wc_describe(&hello, flags);
  long n = send_message((int)fd, &hello, sizeof hello);
  uint64_t buffer[WC_MAX_MESSAGE / 8];
  if (n == 0) n = receive_message((int)fd, buffer, sizeof buffer, memory);
  const struct wc_message *message;
  if (n > 0 && wc_parse(buffer, (size_t)n, &message) == WC_PARSE_OK &&
      message->type == WC_WELCOME) {
    *size = ((const struct wc_welcome *)message)->shared_size;
    return fd;
  }
  if (*memory >= 0) wc_sys1(kClose, *memory);
  *memory = -1;
  wc_sys1(kClose, fd);
  return n < 0 ? n : kEproto;
}

long wc_ask_for_memory(uint64_t *size) {
  int32_t memory;
  long fd = connect_for(WC_HELLO_MEMORY, &memory, size);
  if (fd < 0) return fd;
  wc_sys1(kClose, fd);
  return memory >= 0 ? memory : kEproto;
}

/* It was this process's parent's. */
static void close_inherited_gate(void) {
  if (inherited_socket >= 0 && cookie_of(inherited_socket) == inherited_cookie)
    wc_sys1(kClose, inherited_socket);
  inherited_socket = -1;
}

/* Out of the way of programs that count on low numbers. */
static int32_t move_high(int32_t fd) {
  enum { kDupCloexec = 1030, kNofile = 7 };
  uint64_t limit[2] = {1024, 1024};
  wc_sys4(kPrlimit, 0, kNofile, 0, (long)limit);
  /* Near the limit, but a descriptor table grows with its highest number. */
  long lowest = limit[0] < 65536 ? (long)limit[0] - 4 : 65536 - 4;
  long high = lowest > fd ? wc_sys3(kFcntl, fd, kDupCloexec, lowest) : -1;
  if (high < 0) return fd;
  wc_sys1(kClose, fd);
  return (int32_t)high;
}

int wc_open_gate(void) {
  close_inherited_gate();
  int32_t memory;
  uint64_t size;
  long fd = connect_for(WC_HELLO_GATE, &memory, &size);
  if (fd < 0) return (int)fd;
  if (memory >= 0) wc_sys1(kClose, memory);
  wc_process.socket = move_high((int32_t)fd);
  wc_process.socket_cookie = cookie_of(wc_process.socket);
  wc_process.pid = (int32_t)wc_sys0(kGetpid);
  inherited_socket = wc_process.socket;
  inherited_cookie = wc_process.socket_cookie;
  return 0;
}

/* A dead tracer's end of the socket is closed. */
static __attribute__((noinline)) int tracer_is_gone(void) {
  enum { kPeekDontWait = 0x42, kAgain = -11 };
  char byte;
  long n = wc_syscall(kRecvfrom, wc_process.socket, (long)&byte, 1, kPeekDontWait, 0);
  return n != kAgain && n != kEintr;
}

/* Static, so that waiting takes little of a program's small stack. */
static const int64_t patience_of_a_bell[2] = {1, 0};

static __attribute__((noinline)) void wait_for_answer(struct wc_slot *slot, uint32_t number) {
  enum { kFutexWait = 0, kTimedOut = -110 };
  uint32_t seen;
  /* A handler may ring again while we wait: answers are counted, not matched. */
  while ((int32_t)((seen = __atomic_load_n(&slot->ack, __ATOMIC_ACQUIRE)) - number) < 0) {
    long n = wc_sys4(kFutex, (long)&slot->ack, kFutexWait, (long)seen, (long)patience_of_a_bell);
    if (n == kTimedOut && tracer_is_gone()) {
      wc_go_native();
      return;
    }
  }
}

static __attribute__((noinline)) int send_bell(struct wc_slot *slot, uint16_t type,
                                               uint32_t number) {
  struct wc_scope_message message = {wc_message_head(type), slot->index, number};
  return cookie_of(wc_process.socket) == wc_process.socket_cookie &&
         send_message(wc_process.socket, &message, sizeof message) == 0;
}

void wc_ring_socket(struct wc_slot *slot, uint16_t type) {
  uint32_t number = ++slot->bell;
  if (send_bell(slot, type, number))
    wait_for_answer(slot, number);
  else if ((int32_t)wc_sys0(kGetpid) == wc_process.pid)
    wc_go_native(); /* the program closed our descriptor, or the tracer is gone */
  /* Else a vfork child has closed its own; its gate stands open, and its parent's memory is not
   * its. */
}
