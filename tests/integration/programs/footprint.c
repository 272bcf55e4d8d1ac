/* What a program can see of its tracer: mlockall within the usual limit, the auxiliary vector
 * behind the environment, its affinity and that of forty generations of children. Prints what is
 * wrong. */
#define _GNU_SOURCE
#include <elf.h>
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static void look_for_auxv(char **environment) {
  while (*environment++ != NULL) {
  }
  for (const Elf64_auxv_t *auxv = (const Elf64_auxv_t *)environment; auxv->a_type != AT_NULL;
       auxv++)
    if (auxv->a_type == AT_PAGESZ && auxv->a_un.a_val == getauxval(AT_PAGESZ)) return;
  printf("no auxiliary vector behind the environment\n");
}

static void lock_all(void) {
  struct rlimit limit = {8 << 20, 8 << 20};
  setrlimit(RLIMIT_MEMLOCK, &limit);
  if (geteuid() == 0 && setuid(65534) != 0) return;
  if (mlockall(MCL_CURRENT) != 0) printf("mlockall: %s\n", strerror(errno));
}

static int cpus(void) {
  cpu_set_t set;
  sched_getaffinity(0, sizeof set, &set);
  return CPU_COUNT(&set);
}

static void count_cpus(int had) {
  int now = had;
  for (int i = 0; i < 300 && now == had; i++) now = cpus();
  if (now != had) printf("%d CPUs instead of %d\n", now, had);
}

static void breed(int generations, int had) {
  count_cpus(had);
  fflush(stdout);
  pid_t child = generations > 0 ? fork() : -1;
  if (child == 0) {
    breed(generations - 1, had);
    exit(0);
  }
  if (child > 0) waitpid(child, NULL, 0);
}

int main(int argc, char **argv, char **environment) {
  (void)argc;
  (void)argv;
  int had = atoi(getenv("CPUS"));
  look_for_auxv(environment);
  breed(40, had);
  lock_all();
  return 0;
}
