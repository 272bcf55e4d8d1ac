/* Has the symbols of a CPython interpreter, and behind them what makes no sense: lists that run in
 * circles, addresses of nothing, names that are none. fake_python VERSION SHAPE: PY_VERSION_HEX,
 * and circles | wild | names | empty. Writes a line ten times and ends. */
#define _GNU_SOURCE
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

unsigned long Py_Version;
uint64_t _PyRuntime[32];
void PyEval_EvalFrameEx(void) {}

static uint64_t interpreter[8], thread[32], code[64], frame[16], name[300], table[8];

static uint64_t at(const void *place) { return (uint64_t)place; }

/* As CPython 3.11 lays it out. */
static void lay_out(uint64_t *run) {
  _PyRuntime[5] = at(interpreter);
  interpreter[2] = at(thread);
  thread[7] = at(run);
  thread[20] = (uint64_t)gettid();
  run[1] = at(frame);
  frame[4] = at(code);
  frame[7] = at(code) + 184;
  ((char *)frame)[68] = 1;
  code[9] = 7; /* the first line */
  code[14] = code[16] = at(name);
  code[17] = at(table);
  name[2] = 8;
  ((uint32_t *)name)[8] = 1 << 2 | 1 << 5 | 1 << 6; /* one byte a character, compact, ASCII */
  memcpy(name + 6, "function", 8);
  table[2] = 2;
  memcpy(table + 4, "\xf0\x80", 2);
}

static void spoil(const char *shape, uint64_t *run) {
  if (!strcmp(shape, "circles")) {
    interpreter[0] = at(interpreter);
    thread[1] = at(thread);
    run[2] = at(run);
    frame[6] = at(frame);
    ((char *)frame)[68] = 0;
  } else if (!strcmp(shape, "wild")) {
    const uint64_t places[] = {
        1, 4096, UINT64_MAX, UINT64_MAX - 40, 1ull << 63, at(&_PyRuntime) + 4000};
    const size_t which = (size_t)rand() % 6;
    uint64_t *const links[] = {&thread[1], &run[2],   &frame[4], &frame[6], &code[14],
                               &code[16],  &code[17], &name[2],  &table[2]};
    *links[(size_t)rand() % 9] = places[which];
    ((char *)frame)[68] = 0;
  } else if (!strcmp(shape, "names")) {
    name[2] = 2000;
    for (size_t i = 0; i < 2000; i++) ((char *)(name + 6))[i] = "\033[31m\n;\" "[i % 9];
  }
}

int main(int argc, char **argv) {
  uint64_t run[4] = {0};
  if (argc != 3) return 2;
  Py_Version = strtoul(argv[1], NULL, 16);
  for (int i = 0; i < 10; i++) {
    if (strcmp(argv[2], "empty") != 0) lay_out(run);
    spoil(argv[2], run);
    if (write(1, "line\n", 5) != 5) return 1;
  }
  return 0;
}
