/* Dies in a wrapped call inside another one: main, qsort, compare, abort. */
#include <stdlib.h>

static int compare(const void *a, const void *b) {
  (void)a;
  (void)b;
  abort();
}

int main(void) {
  int numbers[] = {2, 1};
  qsort(numbers, 2, sizeof numbers[0], compare);
  return 0;
}
