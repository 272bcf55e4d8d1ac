/* The older asynchronous interface. */
#include <linux/aio_abi.h>

#include "oracle.h"

int main(void) {
  int fd = make_file("file", "text");
  aio_context_t context = 0;
  char buffer[16];
  CALL(io_setup, 4, &context);
  struct iocb read_one = {.aio_fildes = (uint32_t)fd,
                          .aio_lio_opcode = IOCB_CMD_PREAD,
                          .aio_buf = (uintptr_t)buffer,
                          .aio_nbytes = sizeof buffer,
                          .aio_data = 7};
  struct iocb write_one = {.aio_fildes = (uint32_t)fd,
                           .aio_lio_opcode = IOCB_CMD_PWRITE,
                           .aio_buf = (uintptr_t) "data",
                           .aio_nbytes = 4,
                           .aio_offset = 10};
  struct iocb *both[] = {&read_one, &write_one};
  CALL(io_submit, context, 2l, both);
  struct io_event events[2];
  struct timespec limit = {1, 0};
  CALL(io_getevents, context, 2l, 2l, events, &limit);
  CALL(io_cancel, context, &read_one, events);
  CALL(io_destroy, context);
  CALL(io_submit, 0ul, 1l, both);
  return 0;
}
