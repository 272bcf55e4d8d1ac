/* fcntl: locks, flags, owners, seals. */
#include <sys/mman.h>

#include "oracle.h"

int main(void) {
  int fd = make_file("file", "0123456789");
  struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 1, .l_len = 5};
  CALL(fcntl, fd, F_SETLK, &lock);
  CALL(fcntl, fd, F_GETLK, &lock);
  lock.l_type = F_RDLCK, lock.l_whence = SEEK_END, lock.l_start = -2;
  CALL(fcntl, fd, F_SETLKW, &lock);
  lock.l_type = F_UNLCK;
  CALL(fcntl, fd, F_SETLK, &lock);
  lock = (struct flock){.l_type = F_RDLCK};
  CALL(fcntl, fd, F_OFD_SETLK, &lock);
  CALL(fcntl, fd, F_OFD_GETLK, &lock);
  CALL(fcntl, fd, F_SETLK, NULL);
  lock.l_type = 9;
  CALL(fcntl, fd, F_SETLK, &lock);
  CALL(fcntl, fd, F_GETFD);
  CALL(fcntl, fd, F_SETFD, FD_CLOEXEC);
  CALL(fcntl, fd, F_GETFD);
  CALL(fcntl, fd, F_SETFD, 0);
  CALL(fcntl, fd, F_GETFL);
  CALL(fcntl, fd, F_SETFL, O_APPEND | O_NONBLOCK);
  CALL(fcntl, fd, F_GETFL);
  CALL(fcntl, fd, F_DUPFD, 30);
  CALL(fcntl, fd, F_DUPFD_CLOEXEC, 31);
  CALL(fcntl, fd, F_SETOWN, getpid());
  CALL(fcntl, fd, F_GETOWN);
  CALL(fcntl, fd, F_SETSIG, SIGUSR1);
  CALL(fcntl, fd, F_GETSIG);
  struct f_owner_ex owner = {F_OWNER_TID, getpid()};
  CALL(fcntl, fd, F_SETOWN_EX, &owner);
  CALL(fcntl, fd, F_GETOWN_EX, &owner);
  CALL(fcntl, fd, F_GETLEASE);
  CALL(fcntl, fd, F_SETLEASE, F_RDLCK);
  CALL(fcntl, fd, F_NOTIFY, 0x80000001);
  int memory = memfd_create("sealed", MFD_ALLOW_SEALING | MFD_CLOEXEC);
  CALL(fcntl, memory, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW);
  CALL(fcntl, memory, F_GET_SEALS);
  int ends[2];
  pipe(ends);
  CALL(fcntl, ends[0], F_GETPIPE_SZ);
  CALL(fcntl, ends[0], F_SETPIPE_SZ, 4096);
  uint64_t hint = 2;
  CALL(fcntl, fd, F_SET_RW_HINT, &hint);
  CALL(fcntl, fd, F_GET_RW_HINT, &hint);
  CALL(fcntl, fd, 999, 5);
  CALL(fcntl, -1, F_GETFD);
  return 0;
}
