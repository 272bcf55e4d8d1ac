/*
 * entry.S: where a stub jumps to, with r11 = its wc_function and the stack and registers as
 * the program's call left them.
 *
 * Each entry point builds a real frame (frame.h), lets wc_enter() open the scope, calls the
 * wrapped function with the registers it was given, and lets wc_leave() close the scope. The
 * frame has correct unwind information, so exceptions, cancellation and backtraces pass
 * through. Vector and x87 registers are never touched, but for va_list save areas, where they
 * are read.
 *
 * All syscalls of the shim are issued between wc_exempt_begin and wc_exempt_end: that range
 * is exempt from Syscall User Dispatch, and the tracer recognises it.
 */
#include "preload_lib/frame.h"

  .text
  .hidden wc_process

  .macro FUNCTION name
  .globl \name
  .type \name, @function
  .p2align 6
\name:
  .cfi_startproc
  endbr64
  .endm

  .macro EXPORT name
  FUNCTION \name
  .protected \name
  .endm

  .macro HIDDEN name
  FUNCTION \name
  .hidden \name
  .endm

  .macro END name
  .cfi_endproc
  .size \name, . - \name
  .endm

  /* In a frame that has rax, r10 and the function: opens the scope; leaves the wrapped function's
   * address in rax and the frame at rsp. */
  .macro OPEN_SCOPE_IN_FRAME
  mov %rdi, 0(%rsp)
  mov %rsi, 8(%rsp)
  mov %rdx, 16(%rsp)
  mov %rcx, 24(%rsp)
  mov %r8, 32(%rsp)
  mov %r9, 40(%rsp)
  mov %rsp, %rdi
  call wc_enter
  .endm

  /* Opens the frame and the scope. */
  .macro OPEN_SCOPE
  push %rbp
  .cfi_def_cfa_offset 16
  .cfi_offset %rbp, -16
  mov %rsp, %rbp
  .cfi_def_cfa_register %rbp
  sub $WC_FRAME_SIZE, %rsp
  mov %rax, WC_FRAME_RAX(%rsp)
  mov %r10, WC_FRAME_R10(%rsp)
  mov %r11, WC_FRAME_FUNCTION(%rsp)
  OPEN_SCOPE_IN_FRAME
  .endm

  /* Argument registers as the program gave them; rax, the target, moves to r11. */
  .macro RESTORE_ARGS
  mov %rax, %r11
  mov -WC_FRAME_SIZE+0(%rbp), %rdi
  mov -WC_FRAME_SIZE+8(%rbp), %rsi
  mov -WC_FRAME_SIZE+16(%rbp), %rdx
  mov -WC_FRAME_SIZE+24(%rbp), %rcx
  mov -WC_FRAME_SIZE+32(%rbp), %r8
  mov -WC_FRAME_SIZE+40(%rbp), %r9
  mov -WC_FRAME_SIZE+WC_FRAME_RAX(%rbp), %rax
  mov -WC_FRAME_SIZE+WC_FRAME_R10(%rbp), %r10
  .endm

  .macro CLOSE_SCOPE
  mov %rax, -WC_FRAME_SIZE+WC_FRAME_RET(%rbp)
  mov %rdx, -WC_FRAME_SIZE+WC_FRAME_RET2(%rbp)
  lea -WC_FRAME_SIZE(%rbp), %rdi
  call wc_leave
  mov -WC_FRAME_SIZE+WC_FRAME_RET(%rbp), %rax
  mov -WC_FRAME_SIZE+WC_FRAME_RET2(%rbp), %rdx
  leave
  .cfi_def_cfa %rsp, 8
  ret
  .endm

/* Everything is in registers: most functions. An outermost call of a thread that asks for nothing
 * special opens and closes its scope here, without a look at scope.c: wc_enter and wc_leave tell what
 * is checked, and in which order the scope is filled in. */
EXPORT wc_entry
  push %rbp
  .cfi_def_cfa_offset 16
  .cfi_offset %rbp, -16
  mov %rsp, %rbp
  .cfi_def_cfa_register %rbp
  sub $WC_FRAME_SIZE, %rsp
  mov %rax, WC_FRAME_RAX(%rsp)
  mov %r10, WC_FRAME_R10(%rsp)
  mov %r11, WC_FRAME_FUNCTION(%rsp)
  mov wc_thread@gottpoff(%rip), %rax
  mov %fs:(%rax), %r10                      /* the slot */
  mov %fs:WC_THREAD_GENERATION(%rax), %eax
  test %r10, %r10
  je 2f
  cmp wc_process + WC_PROCESS_FAST(%rip), %eax
  jne 2f
  cmpl $0, WC_SLOT_DEPTH(%r10)
  jne 2f
  cmpq $0, WC_FUNCTION_REAL(%r11)
  je 2f

  movl $1, WC_SLOT_DEPTH(%r10)
  mov %eax, WC_FRAME_GENERATION(%rsp)
  mov %r10, WC_FRAME_SLOT(%rsp)
  movl $0, WC_FRAME_INDEX(%rsp)
  mov WC_SLOT_NEXT_SEQ(%r10), %rax
  inc %rax
  mov %rax, WC_SLOT_NEXT_SEQ(%r10)
  mov %rax, WC_SLOT_SCOPE + WC_SCOPE_SEQ(%r10)
  lea 8(%rbp), %rax
  mov %rax, WC_SLOT_SCOPE + WC_SCOPE_SP(%r10)
  mov 8(%rbp), %rax
  mov %rax, WC_SLOT_SCOPE + WC_SCOPE_CALLER(%r10)
  mov %rdi, WC_SLOT_SCOPE + WC_SCOPE_ARGS(%r10)
  mov %rsi, WC_SLOT_SCOPE + WC_SCOPE_ARGS + 8(%r10)
  mov %rdx, WC_SLOT_SCOPE + WC_SCOPE_ARGS + 16(%r10)
  mov %rcx, WC_SLOT_SCOPE + WC_SCOPE_ARGS + 24(%r10)
  mov %r8, WC_SLOT_SCOPE + WC_SCOPE_ARGS + 32(%r10)
  mov %r9, WC_SLOT_SCOPE + WC_SCOPE_ARGS + 40(%r10)
  mov WC_FUNCTION_INDEX(%r11), %eax
  mov %eax, WC_SLOT_SCOPE + WC_SCOPE_FUNCTION(%r10)
  movzbl WC_FUNCTION_FLAGS(%r11), %eax
  and $WC_IS_THIN, %eax
  mov %eax, WC_SLOT_SCOPE + WC_SCOPE_FLAGS(%r10)
  movl $1, WC_SLOT_DEPTH(%r10)
  testb $WC_IS_PURE, WC_FUNCTION_FLAGS(%r11)
  jne 1f
  mov wc_thread@gottpoff(%rip), %rax
  movb $1, %fs:WC_THREAD_SELECTOR(%rax)
1:
  mov WC_FRAME_RAX(%rsp), %rax
  mov WC_FRAME_R10(%rsp), %r10
  call *WC_FUNCTION_REAL(%r11)

  mov wc_thread@gottpoff(%rip), %rdi
  mov WC_FRAME_SLOT(%rsp), %rcx
  mov WC_FRAME_GENERATION(%rsp), %esi
  cmp wc_process + WC_PROCESS_FAST(%rip), %esi
  jne 3f
  cmp %rcx, %fs:(%rdi)
  jne 3f
  cmpq $1, WC_SLOT_DEPTH(%rcx)              /* and the gate is shut */
  jne 3f
  lea 8(%rbp), %rsi
  cmp %rsi, WC_SLOT_SCOPE + WC_SCOPE_SP(%rcx)
  jne 3f
  testb $WC_IS_REPORTED, WC_SLOT_SCOPE + WC_SCOPE_FLAGS(%rcx)
  jne 3f
  cmpl $0, WC_SLOT_PENDING_DEPTH(%rcx)
  jne 3f
  movl $0, WC_SLOT_DEPTH(%rcx)
  movb $0, %fs:WC_THREAD_SELECTOR(%rdi)
  .cfi_remember_state
  leave
  .cfi_def_cfa %rsp, 8
  ret
  .cfi_restore_state

2:
  OPEN_SCOPE_IN_FRAME
  RESTORE_ARGS
  call *%r11
3:
  CLOSE_SCOPE
END wc_entry

/* wc_function.stack_words words of stack arguments are copied below the frame. No rep movs: it
 * costs more than these few words. */
EXPORT wc_entry_stack
  OPEN_SCOPE
  mov -WC_FRAME_SIZE+WC_FRAME_FUNCTION(%rbp), %rdx
  movzwl WC_FUNCTION_STACK_WORDS(%rdx), %ecx
  lea 1(%rcx), %rdx
  and $-2, %rdx             /* an even number keeps the alignment */
  shl $3, %rdx
  sub %rdx, %rsp
  jmp 2f
1:
  mov 16(%rbp,%rcx,8), %rdx
  mov %rdx, (%rsp,%rcx,8)
2:
  sub $1, %rcx
  jns 1b
  RESTORE_ARGS
  call *%r11
  CLOSE_SCOPE
END wc_entry_stack

/* Unbounded variadic functions: call the `v` sibling (its address is in rax) with a va_list made
 * of this call's registers and stack, after the fixed arguments. */
EXPORT wc_entry_va
  OPEN_SCOPE
  mov %rax, %r11
  sub $(WC_VA_SAVE_SIZE + WC_VA_LIST_SIZE + 8), %rsp
  mov -WC_FRAME_SIZE+0(%rbp), %rdi
  mov -WC_FRAME_SIZE+8(%rbp), %rsi
  mov -WC_FRAME_SIZE+16(%rbp), %rdx
  mov -WC_FRAME_SIZE+24(%rbp), %rcx
  mov -WC_FRAME_SIZE+32(%rbp), %r8
  mov -WC_FRAME_SIZE+40(%rbp), %r9
  mov %rdi, 0(%rsp)
  mov %rsi, 8(%rsp)
  mov %rdx, 16(%rsp)
  mov %rcx, 24(%rsp)
  mov %r8, 32(%rsp)
  mov %r9, 40(%rsp)
  mov -WC_FRAME_SIZE+WC_FRAME_RAX(%rbp), %rax
  test %al, %al
  je 1f
  movaps %xmm0, 48(%rsp)
  movaps %xmm1, 64(%rsp)
  movaps %xmm2, 80(%rsp)
  movaps %xmm3, 96(%rsp)
  movaps %xmm4, 112(%rsp)
  movaps %xmm5, 128(%rsp)
  movaps %xmm6, 144(%rsp)
  movaps %xmm7, 160(%rsp)
1:
  mov -WC_FRAME_SIZE+WC_FRAME_FUNCTION(%rbp), %rax
  movzbl WC_FUNCTION_FIXED_ARGS(%rax), %eax
  lea (,%rax,8), %r10d
  mov %r10d, WC_VA_SAVE_SIZE(%rsp)            /* gp_offset */
  movl $48, WC_VA_SAVE_SIZE+4(%rsp)           /* fp_offset */
  lea 16(%rbp), %r10
  mov %r10, WC_VA_SAVE_SIZE+8(%rsp)           /* overflow_arg_area */
  mov %rsp, WC_VA_SAVE_SIZE+16(%rsp)          /* reg_save_area */
  lea WC_VA_SAVE_SIZE(%rsp), %r10
  /* The va_list is the argument after the fixed ones. */
  cmp $1, %eax
  cmove %r10, %rsi
  cmp $2, %eax
  cmove %r10, %rdx
  cmp $3, %eax
  cmove %r10, %rcx
  cmp $4, %eax
  cmove %r10, %r8
  cmp $5, %eax
  cmove %r10, %r9
  xor %eax, %eax
  call *%r11
  CLOSE_SCOPE
END wc_entry_va

/* execl, execlp, execle: the arguments up to NULL become a vector for execv, execvp, execve. */
EXPORT wc_entry_exec
  OPEN_SCOPE
  mov %rax, -WC_FRAME_SIZE+WC_FRAME_R10(%rbp)  /* r10 is free here: no such function takes a chain */
  lea -WC_FRAME_SIZE(%rbp), %rdi
  call wc_exec_words
  lea 1(%rax), %rax
  and $-2, %rax
  shl $3, %rax
  sub %rax, %rsp
  lea -WC_FRAME_SIZE(%rbp), %rdi
  mov %rsp, %rsi
  call wc_exec_vector
  mov %rax, %rdx              /* execle's environment */
  mov -WC_FRAME_SIZE+0(%rbp), %rdi
  mov %rsp, %rsi
  xor %eax, %eax
  call *-WC_FRAME_SIZE+WC_FRAME_R10(%rbp)
  CLOSE_SCOPE
END wc_entry_exec

/* Functions that look at their return address (dlopen, dlsym): they must find one in the caller's
 * module. It is that of a `ret` there, which brings control back here. At a `ret` the unwinder
 * finds the next frame at the top of the stack, whatever function it belongs to. */
EXPORT wc_entry_caller
  OPEN_SCOPE
  mov %rax, -WC_FRAME_SIZE+WC_FRAME_RET(%rbp)
  lea -WC_FRAME_SIZE(%rbp), %rdi
  call wc_find_ret
  mov -WC_FRAME_SIZE+WC_FRAME_RET(%rbp), %rax
  RESTORE_ARGS
  sub $8, %rsp
  lea 1f(%rip), %r10
  push %r10
  push -WC_FRAME_SIZE+WC_FRAME_GADGET(%rbp)
  mov -WC_FRAME_SIZE+WC_FRAME_R10(%rbp), %r10
  jmp *%r11
  nop
1:
  CLOSE_SCOPE
END wc_entry_caller

  .p2align 6
  .globl wc_exempt_begin
  .hidden wc_exempt_begin
wc_exempt_begin:

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
 * tracer's next look, and the thread goes on by itself. No stop. Only rcx and r11 are free: `syscall`
 * has just overwritten them. */
  .macro LABEL name
  .globl \name
  .hidden \name
\name:
  .endm

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
  mov WC_SLOT_LANDING_IP(%rcx), %rcx    /* where `syscall` leaves the return address */
  jmp *%rcx
LABEL wc_landing_end
END wc_landing_pad

/*
 * Engine inproc. The tracer writes a thunk for each patched site and a jump to it over the
 * instructions in front of the site's `syscall`:
 *
 *   ...                        the instructions that the jump has replaced; eax is the number
 *   cmpb $0, %fs:selector
 *   jne 1f                     a scope is open
 *   syscall
 *   jmp behind                 behind the site's own syscall instruction
 *   ...
 * 1: lea -128(%rsp), %rsp      the red zone is the program's
 *   call wc_site               and its `ret` is predicted, as a jump by a register would not be
 *   lea 128(%rsp), %rsp
 *   jmp behind
 *   ...
 *   .quad behind               the thunk's last 8 bytes
 *
 * rcx and r11 are what `syscall` overwrites: free. A signal may find a thread at any instruction of
 * the thunk. So the unwinder goes by rip: it stands in the thunk whose last word is the address in
 * the function that issued the syscall, and whose part from the call to the second `lea` has moved the
 * stack pointer.
 */
  .p2align 7
  .globl wc_thunks
  .hidden wc_thunks
  .type wc_thunks, @function
wc_thunks:
  .cfi_startproc simple
  /* CFA = rsp + (CALL <= (rip & SIZE-1) < CALLED) * 128: breg7 0, breg16 0, const1u, and, dup, const1u,
   * ge, swap, const1u, lt, and, const1u 7, shl, plus */
  .cfi_escape 0x0f, 20, 0x77, 0, 0x80, 0, 0x08, WC_THUNK_SIZE - 1, 0x1a, 0x12, 0x08, WC_THUNK_CALL, 0x2a, 0x16, 0x08, WC_THUNK_CALLED, 0x2d, 0x1a, 0x08, 7, 0x24, 0x22
  /* rip = *((rip & -WC_THUNK_SIZE) + WC_THUNK_BACK): breg16 0, const1s, and, plus_uconst, deref */
  .cfi_escape 0x16, 16, 8, 0x80, 0, 0x09, 0x100 - WC_THUNK_SIZE, 0x1a, 0x23, WC_THUNK_BACK, 0x06
  .fill WC_THUNKS * WC_THUNK_SIZE, 1, 0xf4  /* hlt */
  .cfi_endproc
  .size wc_thunks, . - wc_thunks
LABEL wc_thunks_end

/* The syscall of a patched site, inside a scope. Keeps off the red zone; the frame is a wc_site.
 *
 * The common case is done here: the one open call is thin, not reported, and this is its first
 * syscall. What is to be told of it is kept in wc_slot.pending[0] until the call returns. All other
 * cases are site.c's. */
  .type wc_site_begin, @function
LABEL wc_site_begin
  .cfi_startproc simple
  .cfi_def_cfa %rsp, 8 + WC_RED_ZONE
  /* Not into the thunk but where that leads: the return address stands 8 + WC_RED_ZONE below the CFA.
   * rip = *((*(CFA - 136) & -WC_THUNK_SIZE) + WC_THUNK_BACK): const1u, minus, deref, const1s, and,
   * plus_uconst, deref */
  .cfi_escape 0x16, 16, 10, 0x08, 8 + WC_RED_ZONE, 0x1c, 0x06, 0x09, 0x100 - WC_THUNK_SIZE, 0x1a, 0x23, WC_THUNK_BACK, 0x06
  sub $WC_SITE_SIZE, %rsp
  .cfi_def_cfa_offset 8 + WC_RED_ZONE + WC_SITE_SIZE
  mov %rdx, 16(%rsp)

  mov wc_thread@gottpoff(%rip), %r11
  mov %fs:(%r11), %rcx                      /* the slot */
  mov %fs:WC_THREAD_GENERATION(%r11), %edx
  test %rcx, %rcx
  je 4f
  cmp wc_process + WC_PROCESS_IN_PROCESS(%rip), %edx
  jne 4f
  mov %edx, WC_SITE_GENERATION(%rsp)
  cmpq $1, WC_SLOT_DEPTH(%rcx)              /* one open call, the gate shut */
  jne 4f
  cmp $WC_LAST_PLANNED, %eax
  ja 4f
  mov wc_process + WC_PROCESS_SHARED(%rip), %r11
  mov %eax, %edx
  shl $WC_PLAN_SHIFT, %edx
  cmpl $WC_IS_RECORDED, WC_PLAN_ACTION(%r11,%rdx)
  jne 4f
  cmpl $WC_IS_THIN, WC_SLOT_SCOPE + WC_SCOPE_FLAGS(%rcx)
  jne 4f
  lea WC_SITE_SIZE + 8 + WC_RED_ZONE(%rsp), %rdx
  cmp %rdx, WC_SLOT_SCOPE + WC_SCOPE_SP(%rcx)
  jbe 4f                                    /* left by longjmp */
  cmpl $0, WC_SLOT_PENDING_DEPTH(%rcx)
  jne 4f

  movq $0, WC_SLOT_PENDING + WC_PENDING_END(%rcx)
  movl $1, WC_SLOT_PENDING_DEPTH(%rcx)
  mov 16(%rsp), %rdx
  mov %rdi, WC_SLOT_PENDING + WC_PENDING_ARGS(%rcx)
  mov %rsi, WC_SLOT_PENDING + WC_PENDING_ARGS + 8(%rcx)
  mov %rdx, WC_SLOT_PENDING + WC_PENDING_ARGS + 16(%rcx)
  mov %r10, WC_SLOT_PENDING + WC_PENDING_ARGS + 24(%rcx)
  mov %r8, WC_SLOT_PENDING + WC_PENDING_ARGS + 32(%rcx)
  mov %r9, WC_SLOT_PENDING + WC_PENDING_ARGS + 40(%rcx)
  mov %eax, WC_SLOT_PENDING + WC_PENDING_NR(%rcx)
  movl $1, WC_SITE_IS_THIN(%rsp)
  mov %eax, %r11d
  rdtsc
  mov %eax, WC_SLOT_PENDING + WC_PENDING_TSC(%rcx)
  mov %edx, WC_SLOT_PENDING + WC_PENDING_TSC + 4(%rcx)
  mov WC_SLOT_SCOPE + WC_SCOPE_SEQ(%rcx), %rdx
  mov %rdx, WC_SLOT_PENDING + WC_PENDING_SEQ(%rcx)  /* the last: the tracer may be looking */
  mov 16(%rsp), %rdx
  mov %r11d, %eax
1:
  syscall
LABEL wc_site_return
  cmpl $0, WC_SITE_IS_THIN(%rsp)
  je 5f
  mov wc_thread@gottpoff(%rip), %r11
  mov %fs:(%r11), %rcx
  mov %fs:WC_THREAD_GENERATION(%r11), %edx
  /* A handler has forked, and this is the child; or the tracer is gone, or has told of it. */
  cmp WC_SITE_GENERATION(%rsp), %edx
  jne 2f
  cmp wc_process + WC_PROCESS_IN_PROCESS(%rip), %edx
  jne 2f
  cmpl $1, WC_SLOT_PENDING_DEPTH(%rcx)
  jne 2f
  mov %rax, WC_SLOT_PENDING + WC_PENDING_RET(%rcx)
  testb $WC_TAKES_SYSCALL_TIME, wc_process + WC_PROCESS_CONFIG(%rip)
  jne 7f
  mov WC_SLOT_PENDING + WC_PENDING_TSC(%rcx), %rdx
  mov %rdx, WC_SLOT_PENDING + WC_PENDING_END(%rcx)
2:
  mov 16(%rsp), %rdx
3:
  .cfi_remember_state
  add $WC_SITE_SIZE, %rsp
  .cfi_def_cfa_offset 8 + WC_RED_ZONE
  ret
  .cfi_restore_state

7:
  mov %rax, %r11
  rdtsc
  shl $32, %rdx
  or %rdx, %rax
  mov %rax, WC_SLOT_PENDING + WC_PENDING_END(%rcx)
  mov %r11, %rax
  jmp 2b

4:
  mov 16(%rsp), %rdx
  mov %rdi, 0(%rsp)
  mov %rsi, 8(%rsp)
  mov %r10, 24(%rsp)
  mov %r8, 32(%rsp)
  mov %r9, 40(%rsp)
  mov %rbp, WC_SITE_BP(%rsp)
  mov %eax, %eax
  mov %rax, WC_SITE_NR(%rsp)
  movl $0, WC_SITE_IS_THIN(%rsp)
  mov %rsp, %rdi
  call wc_site_enter
  mov %eax, %ecx
  .macro SITE_REGISTERS
  mov 0(%rsp), %rdi
  mov 8(%rsp), %rsi
  mov 16(%rsp), %rdx
  mov 24(%rsp), %r10
  mov 32(%rsp), %r8
  mov 40(%rsp), %r9
  .endm
  SITE_REGISTERS
  mov WC_SITE_NR(%rsp), %rax
  cmp $1, %ecx
  je 1b
  jb 6f
  syscall                       /* not to be reported */
  jmp 3b
6:                              /* the tracer's: issued, and dispatched, where the program did */
  mov WC_SITE_SIZE(%rsp), %rcx
  and $-WC_THUNK_SIZE, %rcx
  mov WC_THUNK_BACK(%rcx), %rcx
  sub $2, %rcx
  .cfi_remember_state
  lea WC_SITE_SIZE + 8 + WC_RED_ZONE(%rsp), %rsp
  .cfi_def_cfa_offset 0
  .cfi_register %rip, %rcx
  jmp *%rcx
  .cfi_restore_state

5:
  mov %rax, WC_SITE_RET(%rsp)
  mov %rsp, %rdi
  call wc_site_exit
  SITE_REGISTERS
  mov WC_SITE_RET(%rsp), %rax
  jmp 3b
  .cfi_endproc
  .size wc_site_begin, . - wc_site_begin
LABEL wc_site_end

/* SA_RESTORER of the shim's own handlers. */
HIDDEN wc_signal_return
  mov $15, %eax
  syscall
END wc_signal_return

  .globl wc_exempt_end
  .hidden wc_exempt_end
wc_exempt_end:

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

/* The doorbell: the tracer sees the breakpoint with the slot's number in rdi. */
HIDDEN wc_bell_trap
  int3
  .globl wc_bell_address
  .hidden wc_bell_address
wc_bell_address:              /* the instruction pointer that the tracer sees */
  ret
END wc_bell_trap

  .section .note.GNU-stack, "", @progbits
