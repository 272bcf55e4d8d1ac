/* Ten random numbers. With own_rand.c in front, they come from there:
 *   ./wc-preload --config examples/own_rand.ini build/release/examples/random
 */
#include <stdio.h>
#include <stdlib.h>

int main(void) {
  for (int i = 0; i < 10; i++) printf("%d\n", rand() % 100);
  return 0;
}
