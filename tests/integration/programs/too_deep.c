/* too_deep DEPTH: a call of qsort(3) in the comparison of a call of qsort, DEPTH of them open at
 * once, and in the innermost one a system call. */
#include <stdlib.h>
#include <unistd.h>

static int left;

static int compare(const void *a, const void *b);

static void sort(void) {
  int two[2] = {2, 1};
  qsort(two, 2, sizeof two[0], compare);
}

static int compare(const void *a, const void *b) {
  if (--left > 0)
    sort();
  else
    access("/nowhere", F_OK);
  return *(const int *)a - *(const int *)b;
}

int main(int argc, char **argv) {
  left = argc > 1 ? atoi(argv[1]) : 1;
  sort();
  return 0;
}
