/* Calls that move bytes between descriptors. */
#include <sys/sendfile.h>
#include <sys/uio.h>

#include "oracle.h"

int main(void) {
  int from = make_file("from", "0123456789abcdef"), to = make_file("to", "");
  int64_t in = 2, out = 1;
  CALL(sendfile, to, from, &in, 4ul);
  CALL(sendfile, to, from, NULL, 2ul);
  CALL(sendfile, to, -1, &in, 2ul);
  in = 0;
  CALL(copy_file_range, from, &in, to, &out, 5ul, 0);
  CALL(copy_file_range, from, NULL, to, NULL, 3ul, 0);
  int one[2], two[2];
  CALL(pipe, one);
  CALL(pipe2, two, O_CLOEXEC | O_NONBLOCK);
  in = 0;
  CALL(splice, from, &in, one[1], NULL, 6ul, 1 | 2);
  CALL(tee, one[0], two[1], 4ul, 2);
  CALL(splice, two[0], NULL, to, &out, 4ul, 4);
  struct iovec vector = {(void *)"gift", 4};
  CALL(vmsplice, one[1], &vector, 1ul, 8);
  CALL(pipe, NOWHERE);
  return 0;
}
