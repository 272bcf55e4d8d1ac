/* io_uring: set-up and registration. */
#include <linux/io_uring.h>
#include <sys/uio.h>

#include "oracle.h"

int main(void) {
  struct io_uring_params params = {.flags = IORING_SETUP_CQSIZE, .cq_entries = 64};
  int ring = (int)CALL(io_uring_setup, 8, &params);
  CALL(io_uring_enter, ring, 0, 0, 0, NULL, 8ul);
  CALL(io_uring_enter, ring, 1, 1, IORING_ENTER_GETEVENTS | IORING_ENTER_SQ_WAKEUP, NULL, 8ul);
  int fds[2] = {0, 1};
  CALL(io_uring_register, ring, IORING_REGISTER_FILES, fds, 2);
  CALL(io_uring_register, ring, IORING_UNREGISTER_FILES, NULL, 0);
  struct iovec buffer = {fds, sizeof fds};
  CALL(io_uring_register, ring, IORING_REGISTER_BUFFERS, &buffer, 1);
  CALL(io_uring_register, -1, 99, NULL, 0);
  CALL(io_uring_setup, 8, NULL);
  params.flags = ~0u;
  CALL(io_uring_setup, 0, &params);
  return 0;
}
