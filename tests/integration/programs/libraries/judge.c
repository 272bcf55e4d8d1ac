/* A back end that answers one syscall of one function with one verdict, as its options say. */
#include <stdlib.h>
#include <string.h>

#include "wc_backend.h"

struct judge {
  const char *syscall, *function; /* function NULL: any */
  int verdict;
  int64_t value;
  long place; /* of the argument that WC_CHANGE changes */
};

static int judge_open(void **context, const struct wc_host *host, char *error, size_t size) {
  struct judge *judge = calloc(1, sizeof *judge);
  const char *verdict = host->option(host->handle, "verdict");
  const char *value = host->option(host->handle, "value");
  const char *place = host->option(host->handle, "place");

  (void)error;
  (void)size;
  judge->syscall = host->option(host->handle, "syscall");
  judge->function = host->option(host->handle, "function");
  judge->verdict = verdict != NULL ? atoi(verdict) : WC_GO_ON;
  judge->value = value != NULL ? strtoll(value, NULL, 0) : 0;
  judge->place = place != NULL ? atoi(place) : 0;
  *context = judge;
  return 0;
}

static int judge_enter(void *context, const struct wc_syscall *event, struct wc_verdict *verdict) {
  const struct judge *judge = context;

  if (judge->syscall == NULL || strcmp(event->name, judge->syscall) != 0) return WC_GO_ON;
  if (judge->function != NULL &&
      (event->function == NULL || strcmp(event->function, judge->function) != 0))
    return WC_GO_ON;
  verdict->value = judge->value;
  for (uint32_t i = 0; i < event->nargs; i++) verdict->args[i] = event->args[i].value;
  if (judge->verdict == WC_CHANGE) verdict->args[judge->place] = (uint64_t)judge->value;
  return judge->verdict;
}

const struct wc_backend *wc_backend_v1(void) {
  static const struct wc_backend backend = {
      .abi = WC_BACKEND_ABI,
      .struct_size = sizeof(struct wc_backend),
      .name = "judge",
      .wants = WC_WANT_VERDICTS,
      .options = "syscall function verdict value place",
      .open = judge_open,
      .syscall_enter = judge_enter,
      .close = free,
  };
  return &backend;
}
