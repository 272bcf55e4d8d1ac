/* limit ITERATIONS: what recording system calls costs at the least. The same write() of one byte as
 * libc_write's, one time stamp, and a record of 96 bytes in a ring that another process empties. Who
 * writes waits while the ring is full: nothing is lost, and all of it is counted at the end. */
#include <fcntl.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <signal.h>
#include <x86intrin.h>

#include "bench.h"

enum { kRecords = 16384, kCacheLine = 64 };

struct record {
  uint64_t time, number, result, args[6], rest[3];
};
_Static_assert(sizeof(struct record) == 96, "as the tool's");

struct ring {
  _Alignas(kCacheLine) _Atomic uint64_t head; /* written so far */
  _Alignas(kCacheLine) _Atomic uint64_t tail; /* read so far */
  _Alignas(kCacheLine) _Atomic int over;
  _Alignas(kCacheLine) struct record records[kRecords];
};

/* In large strides, so that lines travel once; naps while there is little. */
static int drain(struct ring *ring) {
  static struct record taken[kRecords];
  uint64_t sum = 0, tail = 0;
  for (;;) {
    const int over = atomic_load(&ring->over);
    const uint64_t head = atomic_load_explicit(&ring->head, memory_order_acquire);
    const uint64_t first = tail % kRecords, ready = head - tail;
    const uint64_t some = ready < kRecords - first ? ready : kRecords - first;
    memcpy(taken, &ring->records[first], some * sizeof taken[0]);
    for (uint64_t i = 0; i < some; i++) sum += taken[i].result;
    tail += some;
    atomic_store_explicit(&ring->tail, tail, memory_order_release);
    if (over && tail == head) return sum == head ? 0 : 1;
    if (some < kRecords / 4) usleep(200);
  }
}

int main(int argc, char **argv) {
  long n = bench_iterations(argc, argv);
  struct ring *ring = mmap(NULL, sizeof *ring, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  int fd = open("/dev/null", O_WRONLY);
  if (fd < 0 || ring == MAP_FAILED) return 1;
  memset(ring, 0, sizeof *ring);
  pid_t reader = fork();
  if (reader == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    _exit(drain(ring));
  }
  uint64_t head = 0, tail = 0;
  long done = write(fd, "x", 1);
  uint64_t begin = bench_now();
  for (long i = 0; i < n; i++) {
    const long result = write(fd, "x", 1);
    const uint64_t now = __rdtsc();
    while (head - tail == kRecords) {
      tail = atomic_load_explicit(&ring->tail, memory_order_acquire);
      if (head - tail == kRecords) sched_yield();
    }
    struct record *to = &ring->records[head % kRecords];
    *to = (struct record){now, 1, (uint64_t)result, {(uint64_t)fd, (uint64_t) "x", 1}, {0}};
    atomic_store_explicit(&ring->head, ++head, memory_order_release);
    done += result;
  }
  bench_report(begin, bench_now(), n);
  atomic_store(&ring->over, 1);
  int status = 1;
  waitpid(reader, &status, 0);
  return done == n + 1 && status == 0 ? 0 : 1;
}
