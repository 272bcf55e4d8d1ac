/*
 * stack.c: engine inproc with stacks: the piece of stack that goes into a record, from which the
 * tracer unwinds later, and the registers to begin with. As profilers do: copying costs a tenth of
 * a microsecond, unwinding some.
 */
#include "preload_lib/shim.h"

enum { kMaxPiece = 60 * 1024 }; /* a piece's size has 16 bits */

static uint64_t main_stack_end;

void wc_prepare_stacks(void) {
  uint64_t variable = wc_lookup("__libc_stack_end", "");
  if (variable != 0) main_stack_end = *(const uint64_t *)variable;
}

/* Where the stack ends on which `sp` stands: at the first program's arguments, or where pthreads
 * have put the thread's own area, above its stack. 0: neither is near. */
static uint64_t stack_end(uint64_t sp) {
  uint64_t thread_area;
  __asm__("mov %%fs:0, %0" : "=r"(thread_area));
  uint64_t to_area = thread_area - sp, to_end = main_stack_end - sp;
  uint64_t nearest = to_area < to_end ? to_area : to_end;
  return nearest <= kMaxPiece ? sp + nearest : 0;
}

int wc_stack_fits(uint64_t sp) { return stack_end(sp) != 0; }

uint32_t wc_add_stack(const struct wc_stack_registers *registers, wc_piece *pieces,
                      uint32_t count) {
  uint64_t sp = registers->sp, end = stack_end(sp);
  if (end == 0) return count;
  /* An alternate stack may stand below a guard page by which another one ends. */
  if (sp < wc_thread.stack_low || end != wc_thread.stack_end) {
    if (wc_readable(sp, end - sp) != end - sp) return count;
    wc_thread.stack_low = sp;
    wc_thread.stack_end = end;
  }
  pieces[count] = wc_piece_of((uint64_t)registers, sizeof *registers);
  pieces[count + 1] = wc_piece_of(sp, end - sp);
  return count + WC_STACK_PIECES;
}
