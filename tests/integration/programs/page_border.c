/* Calls a library with syscall sites of its own: each result must be getppid's. */
#include <stdio.h>
#include <unistd.h>

long border_jump(void), border_syscall(void), border_number(int);

int main(void) {
  int wrong = 0;
  for (int i = 0; i < 100; i++)
    wrong += (border_jump() != getppid()) + (border_syscall() != getppid()) +
             (border_number(110) != getppid());
  printf("%d wrong\n", wrong);
  return wrong != 0;
}
