/* struct iovec, in both directions. */
#include <sys/uio.h>

#include "oracle.h"

int main(void) {
  int fd = make_file("file", "");
  char a[8], b[100], c[3];
  struct iovec out[] = {{(void *)"first", 5},
                        {(void *)"", 0},
                        {(void *)"the second is a string of more than thirty-two bytes\n", 53}};
  struct iovec in[] = {{a, sizeof a}, {b, sizeof b}, {c, sizeof c}};
  struct iovec bad[] = {{NOWHERE, 10}, {NULL, 0}};
  CALL(writev, fd, out, 3);
  CALL(pwritev, fd, out, 1, 100l, 0);
  CALL(pwritev2, fd, out, 2, -1l, -1l, 0x10);
  CALL(lseek, fd, 0l, 0);
  CALL(readv, fd, in, 3);
  CALL(readv, fd, in, 3);
  CALL(preadv, fd, in, 2, 3l, 0);
  CALL(preadv2, fd, in, 2, 3l, 0l, 8);
  CALL(writev, fd, bad, 2);
  CALL(readv, fd, bad, 2);
  CALL(writev, fd, NULL, 2);
  CALL(writev, fd, out, 0);
  CALL(readv, -1, in, 3);
  struct iovec many[40];
  for (unsigned i = 0; i < COUNT(many); i++) many[i] = (struct iovec){(void *)"x", 1};
  CALL(writev, fd, many, COUNT(many));
  struct iovec remote = {a, 4}, local = {c, 3};
  CALL(process_vm_readv, getpid(), &local, 1ul, &remote, 1ul, 0ul);
  CALL(process_vm_writev, getpid(), &local, 1ul, &remote, 1ul, 0ul);
  return 0;
}
