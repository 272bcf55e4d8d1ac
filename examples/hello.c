/* Functions of the program itself: breakpoints make scopes of them (hello.ini). */
#include <stdio.h>
#include <unistd.h>

static void say(const char *text, size_t size) { (void)!write(STDOUT_FILENO, text, size); }

void hello1(void) { say("hello 1\n", 8); }

void hello2(void) {
  say("hello 2\n", 8);
  hello1();
}

void hello3(int times) {
  if (times > 1) hello3(times - 1);
  hello2();
}

int main(void) {
  say("before\n", 7);
  hello1();
  hello3(2);
  puts("after");
  return 0;
}
