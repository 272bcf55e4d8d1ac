/* wc-copy FD: writes the environment that its parent was started with into descriptor FD, the
 * reading end of a pipe without a name (or of a file without one, as some shells have it), which
 * nobody else can open. It never waits: what does not fit is an exit status of 1. For the launcher,
 * whose start is waited for: without libraries, so that there is nothing to load. */
typedef unsigned long word;

enum {
  kRead = 0,
  kWrite = 1,
  kOpen = 2,
  kSigaction = 13,
  kFcntl = 72,
  kExit = 60,
  kWriteOnly = 1,
  kAppend = 02000,
  kNonBlocking = 04000,
  kSetPipeSize = 1031,
  kGetPipeSize = 1032,
  kFileTooLarge = 25, /* SIGXFSZ */
  kIgnore = 1
};

static long system_call(long number, long a, const void *b, long c, long d) {
  long result;
  register long fourth __asm__("r10") = d;
  __asm__ volatile("syscall"
                   : "=a"(result)
                   : "a"(number), "D"(a), "S"(b), "d"(c), "r"(fourth)
                   : "rcx", "r11", "memory");
  return result;
}

static long open_file(const char *path, long flags) {
  return system_call(kOpen, (long)path, (const void *)flags, 0, 0);
}

/* The parent's number in the namespace of this /proc, which need not be the one that getppid(2)
 * answers in: the second field behind the name, "PID (NAME) STATE PARENT". A name may hold
 * anything, so its end is looked for from behind. */
static const char *parent_in(char *stat, long size) {
  long at = size;
  while (at > 0 && stat[at - 1] != ')') at--;
  if (at == 0 || at + 3 >= size) return 0;
  char *number = stat + at + 3;
  char *end = number;
  while (end < stat + size && *end >= '0' && *end <= '9') end++;
  if (end == number || end == stat + size) return 0;
  *end = 0;
  return number;
}

static char *append(char *to, const char *text) {
  while ((*to = *text++)) to++;
  return to;
}

static long open_environment(void) {
  char stat[512], path[64];
  long file = open_file("/proc/self/stat", 0);
  long size = file < 0 ? -1 : system_call(kRead, file, stat, sizeof stat, 0);
  const char *parent = size <= 0 ? 0 : parent_in(stat, size);
  if (!parent) return -1;
  append(append(append(path, "/proc/"), parent), "/environ");
  return open_file(path, 0);
}

/* Only root may go beyond /proc/sys/fs/pipe-max-size. */
static int enlarge(long pipe) {
  long size = system_call(kFcntl, pipe, (const void *)kGetPipeSize, 0, 0);
  return size > 0 && system_call(kFcntl, pipe, (const void *)kSetPipeSize, 2 * size, 0) > size;
}

static int put_all(long to, const char *from, long size) {
  while (size > 0) {
    long put = system_call(kWrite, to, from, size, 0);
    if (put <= 0 && !enlarge(to)) return 0;
    if (put <= 0) continue;
    from += put;
    size -= put;
  }
  return 1;
}

static int copy(long from, long to) {
  static char buffer[65536];
  /* A byte stands in the pipe already; after one less, whole pages follow, and none is filled in
   * part. */
  long want = sizeof buffer - 1;
  long got;
  while ((got = system_call(kRead, from, buffer, want, 0)) > 0) {
    if (!put_all(to, buffer, got)) return 1;
    want = sizeof buffer;
  }
  return got != 0;
}

__attribute__((used)) static void run(word *stack) {
  char path[32];
  const char **argv = (const char **)(stack + 1);
  /* Where the shell has made a file, the limit of file sizes is an error to be handled, not an end.
   * The words of struct sigaction: handler, flags, restorer, mask. */
  const word ignore[4] = {kIgnore, 0, 0, 0};
  system_call(kSigaction, kFileTooLarge, ignore, 0, sizeof(word));
  long status = 1;
  if (*stack == 2 && argv[1][0] && !argv[1][1]) {
    append(append(path, "/proc/self/fd/"), argv[1]);
    long from = open_environment();
    long to = open_file(path, kWriteOnly | kAppend | kNonBlocking);
    if (from >= 0 && to >= 0) status = copy(from, to);
  }
  system_call(kExit, status, 0, 0, 0);
  __builtin_unreachable();
}

/* The stack of a new program begins with the number of its arguments. */
__asm__(".globl _start\n_start:\n\tmov %rsp, %rdi\n\tand $-16, %rsp\n\tcall run\n");
