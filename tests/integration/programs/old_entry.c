/* Syscalls by int $0x80, the 32-bit entry, from a 64-bit program: outside of calls and inside. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { GETPID_32 = 20, CLOSE_32 = 6 };

static long old_syscall(long number, long first) {
  long result;
  __asm__ volatile("int $0x80"
                   : "=a"(result)
                   : "a"(number), "b"(first)
                   : "memory", "r8", "r9", "r10", "r11");
  return result;
}

static int wrong;
static int compare(const void *a, const void *b) {
  wrong += old_syscall(GETPID_32, 0) != getpid();
  wrong += old_syscall(CLOSE_32, -1) != -9; /* EBADF */
  close(-1);
  return *(const int *)a - *(const int *)b;
}

int main(void) {
  int numbers[] = {3, 1, 2};
  wrong = old_syscall(GETPID_32, 0) != getpid();
  qsort(numbers, 3, sizeof *numbers, compare);
  printf("wrong %d, sorted %d %d %d\n", wrong, numbers[0], numbers[1], numbers[2]);
  return 0;
}
