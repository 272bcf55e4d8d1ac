/*
 * site.S: engine inproc. The tracer writes a thunk for each patched site and a jump to it over the
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
 *
 * Part of syscalls.S: its syscalls are the shim's.
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
 * syscall. Its data is kept in wc_slot.pending[0] until the call returns. site.c handles all other
 * cases. */
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
  cmpl $(WC_IS_OPEN | WC_IS_THIN), WC_SLOT_SCOPE + WC_SCOPE_FLAGS(%rcx)
  jne 4f
  cmp %rdi, %rsi                            /* one place for input and output: wc_site_enter looks */
  je 4f
  cmp %rsi, 16(%rsp)
  je 4f
  cmp %r10, 16(%rsp)
  je 4f
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
  /* A handler has forked and this is the child, or the tracer is gone or has reported it. */
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
