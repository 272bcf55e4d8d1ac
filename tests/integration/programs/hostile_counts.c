/* hostile_counts FIELD [COUNT]: one thread makes calls, comes and goes, while another writes values
 * to one field of the slots that it shares with the tracer, in a loop: what the tracer has read
 * once is another value the next time. FIELD: pending, head, tail, depth, reserved, all. Ends with
 * status 23 where it survives itself. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "protocol/shared.h"

enum { kSurvived = 23 };

static volatile int stop;
static const char *field;

static struct wc_shared_header *shared_memory(unsigned long *size) {
  FILE *maps = fopen("/proc/self/maps", "r");
  char line[512];
  unsigned long from = 0, to = 0;
  int found = 0;
  while (maps != NULL && !found && fgets(line, sizeof line, maps) != NULL)
    found = strstr(line, "wc-shared") != NULL && sscanf(line, "%lx-%lx", &from, &to) == 2;
  *size = to - from;
  if (maps != NULL) fclose(maps);
  return found ? (struct wc_shared_header *)from : NULL;
}

static int is_chosen(const char *name) {
  return strcmp(field, name) == 0 || strcmp(field, "all") == 0;
}

static void write_to(struct wc_slot *slot, unsigned value) {
  if (is_chosen("pending")) *(volatile unsigned *)&slot->pending_depth = value;
  if (is_chosen("pending")) *(volatile unsigned long *)&slot->pending[0].end = value;
  if (is_chosen("head")) *(volatile unsigned *)&slot->head = value;
  if (is_chosen("tail")) *(volatile unsigned *)&slot->tail = value;
  if (is_chosen("depth")) *(volatile unsigned *)&slot->depth = value;
  if (is_chosen("reserved")) *(volatile unsigned *)&slot->reserved = value;
  if (is_chosen("marked")) *(volatile unsigned *)&slot->marked = value;
}

static void *writer(void *unused) {
  static const unsigned values[] = {16, 0, 1, 0xffffffff, 128, 0x80000000, 129, 32769};
  unsigned long mapped;
  struct wc_shared_header *header = shared_memory(&mapped);
  if (header == NULL) return unused;
  unsigned size = header->slot_size; /* before anything is overwritten */
  for (unsigned i = 0; !stop; i++)
    for (unsigned slot = 0; WC_HEADER_SIZE + (slot + 1ul) * size <= mapped; slot++)
      write_to((struct wc_slot *)((char *)header + WC_HEADER_SIZE + (size_t)slot * size),
               values[i / 64 % (sizeof values / sizeof *values)]);
  return unused;
}

static void *caller(void *unused) {
  for (int i = 0; i < 5; i++) access("/nowhere", F_OK);
  return unused;
}

int main(int argc, char **argv) {
  pthread_t other, thread;
  field = argc > 1 ? argv[1] : "all";
  int count = argc > 2 ? atoi(argv[2]) : 100;
  alarm(5); /* it may also lock itself up */
  access("/nowhere", F_OK);
  pthread_create(&other, NULL, writer, NULL);
  for (int i = 0; i < count; i++) {
    if (pthread_create(&thread, NULL, caller, NULL) != 0) continue;
    access("/nowhere", F_OK);
    pthread_join(thread, NULL);
  }
  stop = 1;
  pthread_join(other, NULL);
  return kSurvived;
}
