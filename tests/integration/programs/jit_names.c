// Makes code, names it as for perf(1), and calls through it. The code has frame pointers.
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static void work(void) { access("/made", F_OK); }

// push %rbp; mov %rsp,%rbp; call *%rdi; pop %rbp; ret
static const uint8_t code[] = {0x55, 0x48, 0x89, 0xe5, 0xff, 0xd7, 0x5d, 0xc3};

int main(void) {
  uint8_t *page =
      mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  memcpy(page, code, sizeof code);
  memcpy(page + 64, code, sizeof code);
  char path[64];
  snprintf(path, sizeof path, "/tmp/perf-%d.map", getpid());
  FILE *map = fopen(path, "w");
  fprintf(map, "%lx %zx JS:*first /a b.js:1:2\n", (unsigned long)page, sizeof code);
  fflush(map);
  ((void (*)(void (*)(void)))page)(work);
  // Named only now, and the first one anew.
  fprintf(map, "%lx %zx second\n%lx %zx renamed\n", (unsigned long)(page + 64), sizeof code,
          (unsigned long)page, sizeof code);
  fclose(map);
  ((void (*)(void (*)(void)))(page + 64))(work);
  ((void (*)(void (*)(void)))page)(work);
  getppid();
  unlink(path);
  return 0;
}
