/* Syscall sites of a library that stand across the border of two pages, and one whose number is not
 * known before it runs. */
#define FUNCTION(name, before, body)                                                           \
  __asm__(".text\n.p2align 12\n.fill 4096 - " before ", 1, 0x90\n.globl " name "\n.type " name \
          ", @function\n" name ":\n.cfi_startproc\n" body "ret\n.cfi_endproc\n.size " name     \
          ", . - " name "\n")

/* Its first byte is the last of a page. */
FUNCTION("border_jump", "1", "mov $110, %eax\nsyscall\n");
/* The first byte of `syscall` is. */
FUNCTION("border_syscall", "6", "mov $110, %eax\nsyscall\n");
FUNCTION("border_number", "6", "mov %edi, %eax\nsyscall\n");
