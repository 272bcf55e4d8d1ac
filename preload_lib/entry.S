/*
 * entry.S: where a stub jumps to, with r11 = its wc_function and the stack and registers as
 * the program's call left them.
 *
 * Each entry point builds a real frame (frame.h), lets wc_enter() open the scope, calls the
 * wrapped function with the registers it was given, and lets wc_leave() close the scope. The
 * frame has correct unwind information, so exceptions, cancellation and backtraces pass
 * through. Vector and x87 registers are never touched, but for va_list save areas, where they
 * are read.
 */
#include "preload_lib/assembly.inc"

  .text

  .macro SAVE_ARGS
  mov %rdi, 0(%rsp)
  mov %rsi, 8(%rsp)
  mov %rdx, 16(%rsp)
  mov %rcx, 24(%rsp)
  mov %r8, 32(%rsp)
  mov %r9, 40(%rsp)
  .endm

  /* In a frame that has rax, r10 and the function: opens the scope; leaves the wrapped function's
   * address in rax and the frame at rsp. */
  .macro OPEN_SCOPE_IN_FRAME
  SAVE_ARGS
  mov %rsp, %rdi
  call wc_enter
  .endm

  .macro OPEN_FRAME
  push %rbp
  .cfi_def_cfa_offset 16
  .cfi_offset %rbp, -16
  mov %rsp, %rbp
  .cfi_def_cfa_register %rbp
  sub $WC_FRAME_SIZE, %rsp
  mov %rax, WC_FRAME_RAX(%rsp)
  mov %r10, WC_FRAME_R10(%rsp)
  mov %r11, WC_FRAME_FUNCTION(%rsp)
  .endm

  /* Opens the frame and the scope. */
  .macro OPEN_SCOPE
  OPEN_FRAME
  OPEN_SCOPE_IN_FRAME
  .endm

  /* Integer arguments as the program gave them; rax, the target, moves to r11. */
  .macro RESTORE_INTEGER_ARGS
  mov %rax, %r11
  mov -WC_FRAME_SIZE+0(%rbp), %rdi
  mov -WC_FRAME_SIZE+8(%rbp), %rsi
  mov -WC_FRAME_SIZE+16(%rbp), %rdx
  mov -WC_FRAME_SIZE+24(%rbp), %rcx
  mov -WC_FRAME_SIZE+32(%rbp), %r8
  mov -WC_FRAME_SIZE+40(%rbp), %r9
  .endm

  /* With them rax, which counts the vector registers of a variadic call, and r10. */
  .macro RESTORE_ARGS
  RESTORE_INTEGER_ARGS
  mov -WC_FRAME_SIZE+WC_FRAME_RAX(%rbp), %rax
  mov -WC_FRAME_SIZE+WC_FRAME_R10(%rbp), %r10
  .endm

  .macro CLOSE_SCOPE leave=wc_leave
  mov %rax, -WC_FRAME_SIZE+WC_FRAME_RET(%rbp)
  mov %rdx, -WC_FRAME_SIZE+WC_FRAME_RET2(%rbp)
  lea -WC_FRAME_SIZE(%rbp), %rdi
  call \leave
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
  cmpb $0, WC_FUNCTION_OFF(%r11)
  jne 9f
  OPEN_FRAME
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
  or $WC_IS_OPEN, %eax
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
  cmpl $0, WC_SLOT_PENDING_DEPTH(%rcx)
  jne 3f
  andl $~WC_IS_OPEN, WC_SLOT_SCOPE + WC_SCOPE_FLAGS(%rcx)
  js 3f                                     /* it is reported */
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
9: /* It is switched off: as if nobody stood in between, once it is known where it is. Or sampled. */
  .cfi_restore %rbp
  cmpb $WC_IS_OFF, WC_FUNCTION_OFF(%r11)
  jne 7f
  cmpq $0, WC_FUNCTION_REAL(%r11)
  je 7f
  jmp *WC_FUNCTION_REAL(%r11)
7:
  OPEN_FRAME
  jmp 2b
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
  OPEN_FRAME
  SAVE_ARGS
  /* The save area first: with -a the call is reported as it opens, floating-point words too. */
  sub $(WC_VA_SAVE_SIZE + WC_VA_LIST_SIZE + 8), %rsp
  SAVE_ARGS
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
  lea -WC_FRAME_SIZE(%rbp), %rdi
  call wc_enter
  RESTORE_INTEGER_ARGS
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
 * finds the next frame at the top of the stack, whatever function it belongs to. Where there is none
 * near by, the call is not recorded: the function is entered as if nobody stood in between. */
EXPORT wc_entry_caller
  OPEN_FRAME
  SAVE_ARGS
  mov %rsp, %rdi
  call wc_find_ret
  test %rax, %rax
  je 2f
  mov %rsp, %rdi
  call wc_enter
  RESTORE_ARGS
  sub $8, %rsp
  lea 1f(%rip), %r10
  push %r10
  push -WC_FRAME_SIZE+WC_FRAME_GADGET(%rbp)
  mov -WC_FRAME_SIZE+WC_FRAME_R10(%rbp), %r10
  jmp *%r11
  nop
1:
  .cfi_remember_state
  CLOSE_SCOPE wc_leave_caller
  .cfi_restore_state
2:
  mov WC_FRAME_FUNCTION(%rsp), %rdi
  mov WC_FUNCTION_REAL(%rdi), %rax
  test %rax, %rax
  jne 3f
  call wc_resolve
3:
  RESTORE_ARGS
  leave
  .cfi_def_cfa %rsp, 8
  jmp *%r11
END wc_entry_caller

/* ld.so asks here, as of an IFUNC, whether there is a function that dlopen was to bring. */
EXPORT wc_entry_late
  mov %r11, %rdi
  jmp wc_resolve_late
END wc_entry_late

  .section .note.GNU-stack, "", @progbits
