/* Of the kernel's structs the members that the programs read. Where they are in the kernel that
 * runs, libbpf finds out as it loads them (CO-RE). */
#ifndef WC_BPF_KERNEL_TYPES_H
#define WC_BPF_KERNEL_TYPES_H

#include <linux/types.h>

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct pt_regs {
  unsigned long r15, r14, r13, r12, bp, bx, r11, r10, r9, r8, ax, cx, dx, si, di, orig_ax, ip, cs,
      flags, sp, ss;
};

typedef struct {
  int counter;
} atomic_t;

struct signal_struct {
  atomic_t live;
  int group_exit_code;
  unsigned int flags;
};

struct thread_info {
  __u32 status;
};

struct thread_struct {
  unsigned long fsbase;
};

struct task_struct {
  struct thread_info thread_info;
  struct thread_struct thread;
  int pid, tgid;
  int exit_code;
  unsigned long sas_ss_sp, sas_ss_size;
  struct signal_struct* signal;
};

struct linux_binprm {
  const char* filename;
};

struct sigaction {
  void* sa_handler;
  unsigned long sa_flags;
};

struct k_sigaction {
  struct sigaction sa;
};

struct kernel_siginfo {
  int si_signo;
};

struct bpf_iter_meta;
struct bpf_iter__task {
  struct bpf_iter_meta* meta;
  struct task_struct* task;
};

#pragma clang attribute pop

#endif
