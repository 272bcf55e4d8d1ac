/* The first call after vfork(2), 20 times; the child closes every descriptor and execs, or exits.
 */
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

int main(void) {
  for (int i = 0; i < 20; i++) {
    pid_t child = vfork();
    if (child == 0) {
      syscall(SYS_close_range, 3, ~0U, 0);
      if (i % 2 == 0) execl("/bin/true", "true", (char *)0);
      _exit(i);
    }
    access("/after", F_OK);
    if (waitpid(child, NULL, 0) != child) return 1;
  }
  return 0;
}
