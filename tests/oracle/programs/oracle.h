/* What the programs of the decoding oracle share. They make system calls for their arguments' sake:
 * results, and whether the machine allows the call, do not matter, as long as they are the same in
 * two runs. Raw system calls where libc would change the arguments. */
#ifndef WC_ORACLE_H
#define WC_ORACLE_H

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define CALL(name, ...) syscall(SYS_##name, ##__VA_ARGS__)

/* An address that is never mapped. */
#define NOWHERE ((void *)0x10)

/* A file of a few bytes in the working folder. */
static inline int make_file(const char *name, const char *text) {
  int fd = open(name, O_RDWR | O_CREAT | O_TRUNC, 0644);
  ssize_t written = write(fd, text, strlen(text));
  (void)written;
  lseek(fd, 0, SEEK_SET);
  return fd;
}

#endif
