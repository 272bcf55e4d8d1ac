/*
 * sample.c: which outermost calls of a sampled function are reported (protocol/shared.h).
 */
#include "preload_lib/shim.h"

/* A signal handler that comes in between may count with a number that is one too small: then one
 * call more is skipped. */
static int is_nth(struct wc_slot *slot, uint32_t index, uint32_t n) {
  uint8_t *end = (uint8_t *)(wc_slot_ring(slot) + wc_process.ring_mask + 1);
  const uint32_t functions = wc_process.shared->function_count;
  if (wc_process.config & WC_CONFIG_COUNTS) end += functions * sizeof(struct wc_counter);
  uint32_t *count = &((uint32_t *)end)[index];
  if (++*count < n) return 0;
  *count = 0;
  return 1;
}

/* The generic cell rate algorithm (ITU-T I.371): one word says when the bucket will be full. */
static int takes_token(struct wc_sample *sample) {
  const uint64_t now = wc_ticks(), depth = (uint64_t)sample->n * sample->ticks;
  uint64_t full = __atomic_load_n(&sample->state, __ATOMIC_RELAXED), next;
  do {
    next = (full > now ? full : now) + sample->ticks;
    if (next - now > depth) return 0;
  } while (!__atomic_compare_exchange_n(&sample->state, &full, next, 0, __ATOMIC_RELAXED,
                                        __ATOMIC_RELAXED));
  return 1;
}

static int is_among_first(struct wc_sample *sample) {
  if (__atomic_load_n(&sample->state, __ATOMIC_RELAXED) >= sample->n) return 0;
  return __atomic_fetch_add(&sample->state, 1, __ATOMIC_RELAXED) < sample->n;
}

int wc_is_sampled(struct wc_slot *slot, const struct wc_function *function) {
  struct wc_sample *sample =
      &wc_process.shared->samples[(function->is_off - WC_SAMPLED) % WC_SAMPLES];
  switch (sample->kind) {
    case WC_SAMPLE_FIRST:
      return is_among_first(sample);
    case WC_SAMPLE_RATE:
      return takes_token(sample);
    default:
      return is_nth(slot, function->index, sample->n);
  }
}
