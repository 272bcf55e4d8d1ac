/* Bad pointers that the kernel never looks at because the call fails before, or that are bad from
 * some byte on: with SIGSEGV ignored, blocked and handled, they harm nobody. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

static volatile int faults;

static void on_fault(int signal) {
  (void)signal;
  faults++;
}

static void call_them(char *edge) {
  char *bad = (char *)0x12345000;
  int ends[2];
  if (pipe2(ends, O_NONBLOCK) != 0) return;
  write(-1, bad, 20);
  pwrite(-1, bad, 20, 0);
  send(-1, bad, 20, 0);
  connect(-1, (struct sockaddr *)bad, 16);
  read(-1, bad, 20);
  read(ends[0], bad, 20);
  printf("%zd of a page's last 3 bytes\n", write(ends[1], edge - 3, 20));
  printf("write: %d\n", write(ends[1], bad, 20) == -1 ? errno : 0);
  close(ends[0]);
  close(ends[1]);
}

int main(void) {
  long page = sysconf(_SC_PAGESIZE);
  char *pages =
      mmap(NULL, (size_t)(2 * page), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (pages == MAP_FAILED || munmap(pages + page, (size_t)page) != 0) return 2;
  memset(pages, 'x', (size_t)page);
  struct sigaction action = {.sa_handler = on_fault}, now;
  sigaction(SIGSEGV, &action, NULL);
  call_them(pages + page);
  sigset_t set, mask;
  sigemptyset(&set);
  sigaddset(&set, SIGSEGV);
  sigprocmask(SIG_BLOCK, &set, NULL);
  call_them(pages + page);
  sigprocmask(SIG_BLOCK, NULL, &mask);
  sigaction(SIGSEGV, NULL, &now);
  printf("blocked %d, handler kept %d, faults %d\n", sigismember(&mask, SIGSEGV),
         now.sa_handler == on_fault, faults);
  return 0;
}
