// Copied into a process that has breakpoints (orphan_home.cpp): its handler for SIGTRAP, which runs
// only when the tracer has been killed. A thread that meets a breakpoint continues in that one's
// thunk, as the tracer would have sent it. rdi, rsi, rdx: signal, siginfo, ucontext.
//
// wc_injected is where system calls are made in the thread's name (kernel/remote_syscall.h). Orphaned there, it
// runs into the int3, and is given back what it had, which the tracer has left in the second half of
// the page (InjectionReturn).
//
// Runs on the program's stack or its alternate one; position independent; the page behind it is
// struct OrphanTable.
#include "protocol/code_layout.h"

        .section .rodata
        .p2align 4
        .globl wc_orphan_code, wc_orphan_code_end, wc_injected
wc_orphan_code:
        mov     168(%rdx), %rax         // uc_mcontext.rip
        lea     wc_injected(%rip), %r10
        cmp     %r10, %rax
        je      4f                      // it was about to be sent there
        add     $3, %r10
        cmp     %r10, %rax
        je      6f
        lea     wc_orphan_code+WC_ORPHAN_TABLE(%rip), %r8
        mov     8(%r8), %rcx            // entries
        lea     WC_ORPHAN_TABLE_HEAD(%r8), %r9
1:      test    %rcx, %rcx
        jz      3f
        mov     (%r9), %r10             // where a breakpoint stands
        inc     %r10
        cmp     %r10, %rax
        je      2f
        mov     8(%r9), %r10            // where it goes on
        cmp     %r10, %rax
        je      4f                      // the tracer had sent it there already
        add     $WC_ORPHAN_ENTRY, %r9
        dec     %rcx
        jmp     1b
2:      mov     8(%r9), %rax
        mov     %rax, 168(%rdx)
        ret
3:      mov     (%r8), %rax             // the handler that was there before, or 0
        test    %rax, %rax
        jz      5f
        cmp     $1, %rax                // SIG_IGN
        je      4f
        jmp     *%rax
4:      ret
        // Nobody else's: the program dies of it, as it would have.
5:      sub     $40, %rsp               // struct sigaction: SIG_DFL
        movq    $0, (%rsp)
        movq    $0x04000000, 8(%rsp)
        lea     wc_orphan_return(%rip), %rax
        mov     %rax, 16(%rsp)
        movq    $0, 24(%rsp)
        mov     $13, %eax               // rt_sigaction
        mov     $5, %edi
        mov     %rsp, %rsi
        xor     %edx, %edx
        mov     $8, %r10d
        syscall
        add     $40, %rsp
        mov     $39, %eax               // getpid
        syscall
        mov     %eax, %edi
        mov     $186, %eax              // gettid
        syscall
        mov     %eax, %esi
        mov     $5, %edx
        mov     $234, %eax              // tgkill
        syscall
        ret
6:      lea     wc_orphan_code+WC_ORPHAN_REGISTERS(%rip), %rsi
        lea     40(%rdx), %rdi          // uc_mcontext
        mov     $WC_ORPHAN_REGISTER_WORDS, %ecx
        cld
        rep movsq
        mov     (%rsi), %rax
        mov     %rax, 296(%rdx)         // uc_sigmask
        ret
wc_injected:
        syscall
        int3
        .globl wc_orphan_return
wc_orphan_return:
        mov     $15, %eax               // rt_sigreturn
        syscall
wc_orphan_code_end:
        .section .note.GNU-stack, "", @progbits
