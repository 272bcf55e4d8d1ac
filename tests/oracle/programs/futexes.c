/* futex operations by one thread: none of them waits long. */
#include <linux/futex.h>
#include <time.h>

#include "oracle.h"

int main(void) {
  uint32_t word = 0, other = 0;
  struct timespec little = {0, 1000}, past = {1, 0};
  CALL(futex, &word, FUTEX_WAIT, 1, NULL);
  CALL(futex, &word, FUTEX_WAIT_PRIVATE, 0, &little);
  CALL(futex, &word, FUTEX_WAIT_BITSET_PRIVATE, 0, &past, NULL, FUTEX_BITSET_MATCH_ANY);
  CALL(futex, &word, FUTEX_WAIT_BITSET | FUTEX_CLOCK_REALTIME, 0, &past, NULL, 3);
  CALL(futex, &word, FUTEX_WAKE, 1);
  CALL(futex, &word, FUTEX_WAKE_PRIVATE, INT32_MAX);
  CALL(futex, &word, FUTEX_WAKE_BITSET_PRIVATE, 5, NULL, NULL, 7);
  CALL(futex, &word, FUTEX_REQUEUE, 1, 2ul, &other);
  CALL(futex, &word, FUTEX_CMP_REQUEUE_PRIVATE, 1, 2ul, &other, 0);
  CALL(futex, &word, FUTEX_WAKE_OP_PRIVATE, 1, 1ul, &other,
       FUTEX_OP(FUTEX_OP_SET, 3, FUTEX_OP_CMP_GT, 1));
  CALL(futex, &word, FUTEX_LOCK_PI_PRIVATE, 0, &past);
  CALL(futex, &word, FUTEX_UNLOCK_PI);
  CALL(futex, &word, FUTEX_TRYLOCK_PI);
  CALL(futex, &word, FUTEX_UNLOCK_PI_PRIVATE);
  CALL(futex, &word, 99, 1, NULL);
  CALL(futex, NULL, FUTEX_WAIT, 1, &past);
  struct {
    uint64_t val, uaddr;
    uint32_t flags, reserved;
  } waiters[2] = {{1, (uintptr_t)&word, 2, 0}, {0, (uintptr_t)&other, 130, 0}};
  CALL(futex_waitv, waiters, 2, 0, &past, CLOCK_MONOTONIC);
  CALL(get_robust_list, 0, &waiters[0].val, &waiters[0].uaddr);
  CALL(membarrier, 0, 0, 0);
  CALL(membarrier, 8, 0, 0);
  return 0;
}
