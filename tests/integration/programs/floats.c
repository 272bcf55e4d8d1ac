/* Floating-point arguments of a variadic function, and others among them. */
#include <stdio.h>

int main(int argc, char **argv) {
  (void)argv;
  printf("%.2f %d %g %s %.1f\n", 2.5 * argc, 7, 1e3 * argc, "text", 0.5 * argc);
  return 0;
}
