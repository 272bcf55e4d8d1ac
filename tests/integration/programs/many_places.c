/* many_places SECONDS: functions, unless -D says otherwise more than a process can have
 * breakpoints. Calls one in a hundred of them, prints "ready", repeats that for SECONDS, and prints
 * "done". */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#ifndef FUNCTIONS
#define FUNCTIONS 270000
#endif
#define TEXT_OF(number) #number
#define TEXT(number) TEXT_OF(number)

enum { kFunctions = FUNCTIONS, kSize = 16 };

/* Each of 16 bytes, with a name and a size. */
__asm__(
    ".altmacro\n"
    ".macro make_place number\n"
    ".globl place_\\number\n"
    ".type place_\\number, @function\n"
    ".p2align 4\n"
    "place_\\number: mov %edi, %eax; add $1, %eax; ret\n"
    ".size place_\\number, .-place_\\number\n"
    ".endm\n"
    ".text\n"
    ".set number, 0\n"
    ".rept " TEXT(FUNCTIONS) "\n"
    "make_place %number\n"
    ".set number, number + 1\n"
    ".endr\n"
    ".noaltmacro\n");

extern int place_0(int);

static int call_some(void) {
  int sum = 0;
  for (long i = 0; i < kFunctions; i += 100)
    sum += ((int (*)(int))((char *)place_0 + i * kSize))(1);
  return sum;
}

int main(int argc, char **argv) {
  const int expected = 2 * kFunctions / 100;
  time_t end = time(NULL) + (argc > 1 ? atoi(argv[1]) : 0);
  if (call_some() != expected) return 1;
  puts("ready");
  fflush(stdout);
  do
    if (call_some() != expected) return 1;
  while (time(NULL) < end);
  puts("done");
  return 0;
}
