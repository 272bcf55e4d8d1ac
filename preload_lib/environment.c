/*
 * environment.c: the constructor. Gives the program back the environment it was started with.
 *
 * The tracer put an LD_PRELOAD of its own into the new program's environment at the exec
 * (tracer_daemon/program/exec_stack). ld.so has read it by now; the program must not see it.
 * In front of that string stand a magic word and the address of the program's own LD_PRELOAD
 * string, 0 when it had none: then the entry stands there twice, so that the auxiliary vector
 * behind the environment can be kept whole.
 */
#include "preload_lib/shim.h"

extern struct wc_stubs wc_stubs __attribute__((weak, visibility("default")));

struct wc_stubs *wc_stub_table(void) {
  struct wc_stubs *table = &wc_stubs;
  if (table == NULL || table->magic != WC_STUB_MAGIC || table->version != WC_PROTOCOL_VERSION)
    return NULL;
  return table;
}

static int is_preload(const char *entry) {
  static const char name[] = "LD_PRELOAD=";
  for (unsigned i = 0; i < sizeof(name) - 1; i++)
    if (entry[i] != name[i]) return 0;
  return 1;
}

static void restore_environment(char **environment) {
  for (char **entry = environment; *entry != NULL; entry++) {
    if (!is_preload(*entry) || (uint64_t)*entry % 8 != 0) continue;
    const uint64_t *before = (const uint64_t *)*entry - 2;
    if (before[0] != WC_PRELOAD_MAGIC) continue;
    wc_asks_first = (before[-1] & WC_PRELOAD_FREE) == 0;
    if (before[1] != 0) {
      *entry = (char *)before[1];
      return;
    }
    if (entry[1] != entry[0]) return; /* the program's own library has been here */
    do entry[0] = entry[2];
    while (*entry++ != NULL);
    /* The vector ends two words earlier. Who walks on from there, to the auxiliary vector, finds an
     * entry to be ignored in front of it. */
    enum { kAtIgnore = 1 };
    entry[0] = (char *)kAtIgnore;
    entry[1] = 0;
    return;
  }
}

static __attribute__((constructor, used)) void start(int argc, char **argv, char **environment) {
  (void)argc;
  (void)argv;
  wc_note_start(environment); /* the auxiliary vector stands behind the environment as it is now */
  restore_environment(environment);
  wc_attach_thread();
}
