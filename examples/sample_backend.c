/*
 * sample_backend.c: a backend of one's own, in C. It tells how many bytes each library function
 * has written and read, and prints the table when tracing ends:
 *
 *   cc -shared -fPIC -I backends -o sample.so examples/sample_backend.c
 *   ./wc-preload -b ./sample.so ls
 *   ./wc-preload -b ./sample.so:top=5 -F @stdio ls
 *
 * Option top=N: only the N functions with the most bytes.
 *
 * It asks for nothing (wants is 0): neither decoded text nor call sites cost anything then. The
 * function's name and the result come with each syscall.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wc_backend.h"

enum { MAX_FUNCTIONS = 512, MAX_NAME = 64 };

struct row {
  char name[MAX_NAME];
  uint64_t read, written;
};

struct sample {
  const struct wc_host *host;
  size_t top;
  size_t count;
  struct row rows[MAX_FUNCTIONS + 1]; /* the last one is for all that find no room */
};

static int sample_open(void **context, const struct wc_host *host, char *error, size_t error_size) {
  struct sample *sample = calloc(1, sizeof *sample);
  const char *top = host->option(host->handle, "top");
  char *end = NULL;

  if (sample == NULL) {
    snprintf(error, error_size, "out of memory");
    return -1;
  }
  sample->host = host; /* valid until close */
  sample->top = MAX_FUNCTIONS + 1;
  if (top != NULL) {
    sample->top = strtoul(top, &end, 10);
    if (end == top || *end != '\0') {
      snprintf(error, error_size, "option 'top' takes a number, not '%s'", top);
      free(sample);
      return -1;
    }
  }
  *context = sample;
  return 0;
}

/* Names of functions come from the traced program's files: print nothing a terminal obeys. */
static void copy_name(char *to, const char *from) {
  size_t i = 0;
  for (; from[i] != '\0' && i + 1 < MAX_NAME; ++i) {
    to[i] = (from[i] > ' ' && from[i] <= '~') ? from[i] : '?';
  }
  to[i] = '\0';
}

static struct row *find_row(struct sample *sample, const char *function) {
  char name[MAX_NAME];
  copy_name(name, function);
  for (size_t i = 0; i < sample->count; ++i) {
    if (strcmp(sample->rows[i].name, name) == 0) return &sample->rows[i];
  }
  if (sample->count == MAX_FUNCTIONS) {
    strcpy(sample->rows[MAX_FUNCTIONS].name, "(others)");
    return &sample->rows[MAX_FUNCTIONS];
  }
  /* The event's strings are gone when the callback returns: keep a copy. */
  strcpy(sample->rows[sample->count].name, name);
  return &sample->rows[sample->count++];
}

static int is_one_of(const char *name, const char *const *names) {
  for (; *names != NULL; ++names) {
    if (strcmp(name, *names) == 0) return 1;
  }
  return 0;
}

static void sample_syscall_exit(void *context, const struct wc_syscall *event) {
  static const char *const readers[] = {"read",    "pread64",  "readv",   "preadv",
                                        "preadv2", "recvfrom", "recvmsg", NULL};
  static const char *const writers[] = {"write",    "pwrite64", "writev",  "pwritev",
                                        "pwritev2", "sendto",   "sendmsg", NULL};
  const char *function = event->function != NULL ? event->function : "(outside)";

  if ((event->flags & WC_SYSCALL_NO_RESULT) != 0 || event->ret <= 0) return;
  if (is_one_of(event->name, readers)) {
    find_row(context, function)->read += (uint64_t)event->ret;
  } else if (is_one_of(event->name, writers)) {
    find_row(context, function)->written += (uint64_t)event->ret;
  }
}

static int more_bytes_first(const void *left, const void *right) {
  const struct row *a = left;
  const struct row *b = right;
  uint64_t bytes_a = a->read + a->written;
  uint64_t bytes_b = b->read + b->written;
  if (bytes_a != bytes_b) return bytes_a < bytes_b ? 1 : -1;
  return strcmp(a->name, b->name);
}

static void sample_close(void *context) {
  struct sample *sample = context;
  const struct wc_host *host = sample->host;
  size_t count = sample->count;
  char line[128];
  int length = snprintf(line, sizeof line, "%12s %12s  %s\n", "written", "read", "function");

  host->write(host->handle, line, (size_t)length);
  if (sample->rows[MAX_FUNCTIONS].name[0] != '\0') ++count;
  qsort(sample->rows, count, sizeof sample->rows[0], more_bytes_first);
  for (size_t i = 0; i < count && i < sample->top; ++i) {
    const struct row *row = &sample->rows[i];
    length = snprintf(line, sizeof line, "%12llu %12llu  %s\n", (unsigned long long)row->written,
                      (unsigned long long)row->read, row->name);
    host->write(host->handle, line, (size_t)length);
  }
  free(sample);
}

const struct wc_backend *wc_backend_v1(void) {
  static const struct wc_backend backend = {
      .abi = WC_BACKEND_ABI,
      .struct_size = sizeof(struct wc_backend),
      .name = "sample",
      .wants = 0,
      .options = "top",
      .open = sample_open,
      .syscall_exit = sample_syscall_exit,
      .close = sample_close,
  };
  return &backend;
}
