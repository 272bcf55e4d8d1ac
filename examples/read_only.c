/*
 * read_only.c: a backend that decides. The program runs as on a read-only file system: what would
 * change a file fails with EROFS, before the kernel sees it.
 *
 *   cc -shared -fPIC -I backends -o read_only.so examples/read_only.c
 *   ./wc-preload --scope=process -b ./read_only.so touch /tmp/new
 *   ./wc-preload -F fopen -b text -b ./read_only.so ./prog        # only what fopen(3) opens
 *
 * It decides over the syscalls that the tracer shows it: those of the functions that -F selects.
 * A guard rail, no sandbox: the program can make syscalls that the tracer does not see.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "wc_backend.h"

static int is_one_of(const char *name, const char *const *names) {
  while (*names != NULL)
    if (strcmp(name, *names++) == 0) return 1;
  return 0;
}

static int opens_for_writing(const struct wc_syscall *event) {
  uint64_t flags;

  if (strcmp(event->name, "creat") == 0) return 1;
  if (strcmp(event->name, "open") == 0)
    flags = event->args[1].value;
  else if (strcmp(event->name, "openat") == 0)
    flags = event->args[2].value;
  else
    return 0;
  return (flags & O_ACCMODE) != O_RDONLY || (flags & (O_CREAT | O_TRUNC)) != 0;
}

static int read_only_enter(void *context, const struct wc_syscall *event,
                           struct wc_verdict *verdict) {
  static const char *const changes[] = {
      "unlink",    "unlinkat", "rename",    "renameat",  "renameat2", "mkdir",    "mkdirat",
      "rmdir",     "link",     "linkat",    "symlink",   "symlinkat", "truncate", "mknod",
      "mknodat",   "chmod",    "fchmodat",  "fchmodat2", "chown",     "lchown",   "fchownat",
      "utimensat", "setxattr", "lsetxattr", "openat2",   NULL};

  (void)context;
  if (!opens_for_writing(event) && !is_one_of(event->name, changes)) return WC_GO_ON;
  verdict->value = EROFS;
  return WC_FAIL;
}

const struct wc_backend *wc_backend_v1(void) {
  static const struct wc_backend backend = {
      .abi = WC_BACKEND_ABI,
      .struct_size = sizeof(struct wc_backend),
      .name = "read_only",
      .wants = WC_WANT_VERDICTS,
      .syscall_enter = read_only_enter,
  };
  return &backend;
}
