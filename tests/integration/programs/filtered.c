/* filtered SYSCALL=ACTION... -- PROGRAM [ARG...]: executes it under a seccomp filter, as containers
 * and service managers do. ACTION is an errno or "kill"; "dispatch" is the prctl of that name. */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { kSetSyscallUserDispatch = 59, kLongest = 200 };

static const struct {
  const char *name;
  unsigned number;
} kNames[] = {
    {"ptrace", SYS_ptrace},
    {"prctl", SYS_prctl},
    {"memfd_create", SYS_memfd_create},
    {"process_vm_readv", SYS_process_vm_readv},
    {"process_vm_writev", SYS_process_vm_writev},
    {"socket", SYS_socket},
    {"sendmsg", SYS_sendmsg},
    {"timer_create", SYS_timer_create},
    {"dispatch", SYS_prctl},
};

static struct sock_filter program[kLongest];
static unsigned short length;

static void add(unsigned short code, unsigned k, unsigned char yes, unsigned char no) {
  program[length++] = (struct sock_filter){code, yes, no, k};
}

static void load(unsigned offset) { add(BPF_LD | BPF_W | BPF_ABS, offset, 0, 0); }

static int add_rule(char *rule) {
  char *action = strchr(rule, '=');
  if (!action || length > kLongest - 8) return 0;
  *action++ = 0;
  unsigned result = strcmp(action, "kill") ? SECCOMP_RET_ERRNO | (unsigned)atoi(action)
                                           : SECCOMP_RET_KILL_PROCESS;
  for (size_t i = 0; i < sizeof kNames / sizeof *kNames; i++) {
    if (strcmp(kNames[i].name, rule)) continue;
    int only_dispatch = !strcmp(rule, "dispatch");
    load(offsetof(struct seccomp_data, nr));
    add(BPF_JMP | BPF_JEQ | BPF_K, kNames[i].number, 0, only_dispatch ? 3 : 1);
    if (only_dispatch) {
      load(offsetof(struct seccomp_data, args[0]));
      add(BPF_JMP | BPF_JEQ | BPF_K, kSetSyscallUserDispatch, 0, 1);
    }
    add(BPF_RET | BPF_K, result, 0, 0);
    return 1;
  }
  return 0;
}

int main(int argc, char **argv) {
  int i = 1;
  for (; i < argc && strcmp(argv[i], "--"); i++)
    if (!add_rule(argv[i])) return fprintf(stderr, "what is %s?\n", argv[i]), 99;
  if (i + 1 >= argc) return fprintf(stderr, "filtered SYSCALL=ACTION... -- PROGRAM\n"), 99;
  add(BPF_RET | BPF_K, SECCOMP_RET_ALLOW, 0, 0);
  struct sock_fprog filter = {length, program};
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
      prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) != 0)
    return perror("filtered"), 99;
  execvp(argv[i + 1], argv + i + 1);
  return perror("execvp"), 98;
}
