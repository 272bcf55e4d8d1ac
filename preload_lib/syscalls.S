/*
 * syscalls.S: where the shim issues syscalls, its own and those of the program that the tracer sends
 * here, and the other places that the tracer knows: the doorbell, and where a fault is expected.
 *
 * All of them are issued between wc_exempt_begin and wc_exempt_end: that range is exempt from Syscall
 * User Dispatch, and the tracer recognises it.
 */
#include "preload_lib/assembly.inc"

  .text
  .p2align 6
LABEL wc_exempt_begin

/* long wc_syscall(nr, a, b, c, d, e): the sixth argument is 0, which leaves the caller's stack
 * alone. */
HIDDEN wc_syscall
  mov %rdi, %rax
  mov %rsi, %rdi
  mov %rdx, %rsi
  mov %rcx, %rdx
  mov %r8, %r10
  mov %r9, %r8
  xor %r9d, %r9d
  syscall
  ret
END wc_syscall

/* Where the tracer sends a thread whose syscall was dispatched: the registers hold the
 * program's syscall, the breakpoint brings the thread back to the tracer. */
HIDDEN wc_gadget
  nop
  .globl wc_gadget_syscall
  .hidden wc_gadget_syscall
wc_gadget_syscall:
  syscall
  int3
END wc_gadget

/* Likewise for a syscall that writes nothing to memory: its result is left in the slot for the
 * tracer's next look, and the thread continues without a stop. Only rcx and r11 are free: `syscall`
 * has just overwritten them. */
HIDDEN wc_landing_pad
LABEL wc_landing
  syscall
  mov wc_thread@gottpoff(%rip), %rcx
  mov %fs:(%rcx), %rcx
  mov %rax, WC_SLOT_LANDING_RET(%rcx)
  mov %rdx, %r11
LABEL wc_landing_saved
  rdtsc
  mov %eax, WC_SLOT_LANDING_TSC(%rcx)
  mov %edx, WC_SLOT_LANDING_TSC+4(%rcx)
  mov %r11, %rdx
  mov WC_SLOT_LANDING_RET(%rcx), %rax
LABEL wc_landing_restored
  movl $1, WC_SLOT_LANDING_DONE(%rcx)
  mov WC_SLOT_LANDING_FLAGS(%rcx), %r11d /* `syscall` leaves the flags here, */
  mov WC_SLOT_LANDING_IP(%rcx), %rcx    /* and the return address here */
  jmp *%rcx
LABEL wc_landing_end
END wc_landing_pad

/* A gate has stopped the thread by a signal that the program ignores; the kernel has forgotten that.
 * The tracer sends the thread through here, and all is as the program knows it before it resumes at
 * wc_slot.again_next: to issue its syscall, or behind it. Number 0 is refused. Where the kernel has
 * anything but the default, or the shim's handler for that, the program has set it since. Only rcx, r11 and the flags are free. */
  .macro IGNORE_AGAIN signal, action
  mov wc_thread@gottpoff(%rip), %rcx
  mov %fs:(%rcx), %rcx
  mov \signal(%rcx), %edi
  xor %esi, %esi
  mov wc_process + WC_PROCESS_SHARED(%rip), %rdx
  lea WC_SHARED_AGAIN_OLD(%rdx), %rdx
  mov $8, %r10d
  mov $WC_RT_SIGACTION, %eax
  syscall
  test %eax, %eax
  jne 1f
  mov wc_process + WC_PROCESS_SHARED(%rip), %rsi
  mov (%rdx), %rax
  test %rax, %rax
  je 2f
  cmp WC_SHARED_ORPHAN(%rsi), %rax
  jne 1f
2:
  lea \action(%rsi), %rsi
  xor %edx, %edx
  mov $WC_RT_SIGACTION, %eax
  syscall
1:
  .endm

HIDDEN wc_ignore_again
LABEL wc_again_begin
  mov wc_thread@gottpoff(%rip), %rcx
  mov %fs:(%rcx), %rcx
  mov %rdi, WC_SLOT_AGAIN_KEPT(%rcx)
  mov %rsi, WC_SLOT_AGAIN_KEPT + 8(%rcx)
  mov %rdx, WC_SLOT_AGAIN_KEPT + 16(%rcx)
  mov %r10, WC_SLOT_AGAIN_KEPT + 24(%rcx)
  mov %rax, WC_SLOT_AGAIN_KEPT + 32(%rcx)
LABEL wc_again_kept
  IGNORE_AGAIN WC_SLOT_AGAIN_SIGTRAP, WC_SHARED_IGNORED
  IGNORE_AGAIN WC_SLOT_AGAIN_SIGSYS, WC_SHARED_IGNORED + WC_ACTION_SIZE
  mov wc_thread@gottpoff(%rip), %rcx
  mov %fs:(%rcx), %rcx
  mov WC_SLOT_AGAIN_KEPT(%rcx), %rdi
  mov WC_SLOT_AGAIN_KEPT + 8(%rcx), %rsi
  mov WC_SLOT_AGAIN_KEPT + 16(%rcx), %rdx
  mov WC_SLOT_AGAIN_KEPT + 24(%rcx), %r10
  mov WC_SLOT_AGAIN_KEPT + 32(%rcx), %rax
LABEL wc_again_restored
  mov WC_SLOT_AGAIN_NEXT(%rcx), %rcx
  jmp *%rcx
LABEL wc_again_end
END wc_ignore_again

/* SA_RESTORER of the shim's own handlers. */
HIDDEN wc_signal_return
  mov $15, %eax
  syscall
END wc_signal_return

#include "preload_lib/site.S"

LABEL wc_exempt_end

/* rax counts what is done; the tracer sends a thread that faults in between to wc_copy_end. */
LABEL wc_copy_begin
HIDDEN wc_copy
  xor %eax, %eax
1:
  lea 8(%rax), %rcx
  cmp %rdx, %rcx
  ja 2f
  mov (%rsi,%rax), %r8
  mov %r8, (%rdi,%rax)
  mov %rcx, %rax
  jmp 1b
2:
  cmp %rdx, %rax
  jae 3f
  mov (%rsi,%rax), %cl
  mov %cl, (%rdi,%rax)
  inc %rax
  jmp 2b
3:
  ret
END wc_copy

HIDDEN wc_string_size
  xor %eax, %eax
1:
  cmp %rsi, %rax
  jae 2f
  mov (%rdi,%rax), %cl
  inc %rax
  test %cl, %cl
  jne 1b
2:
  ret
END wc_string_size
LABEL wc_copy_end
  ret

/* Calls rdi with rsi and rdx: somebody else's code, which counts on a stack that is aligned to 16. */
HIDDEN wc_call_aligned
  push %rbp
  .cfi_def_cfa_offset 16
  .cfi_offset %rbp, -16
  mov %rsp, %rbp
  .cfi_def_cfa_register %rbp
  and $-16, %rsp
  mov %rdi, %rax
  mov %rsi, %rdi
  mov %rdx, %rsi
  call *%rax
  leave
  .cfi_def_cfa %rsp, 8
  ret
END wc_call_aligned

/* The doorbell: the tracer sees the breakpoint with the slot's number or a question in rdi (enum
 * wc_ask). It answers in rax, where 0 says that there is no tracer. */
HIDDEN wc_bell_trap
  xor %eax, %eax
  int3
  .globl wc_bell_address
  .hidden wc_bell_address
wc_bell_address:              /* the instruction pointer that the tracer sees */
  ret
END wc_bell_trap

  .section .note.GNU-stack, "", @progbits
