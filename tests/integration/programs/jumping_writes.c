/* A timer whose handler makes a call and leaves by siglongjmp, wherever it came, and writes that
 * are numbered. Prints how many of them have returned. argv: jumps */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/time.h>
#include <unistd.h>

static sigjmp_buf before;
static int null;
static volatile int is_armed;
static volatile unsigned number;

static void on_alarm(int signal) {
  (void)signal;
  if (write(null, "h", 1) != 1) _exit(1);
  if (!is_armed) return;
  is_armed = 0;
  siglongjmp(before, 1);
}

static void write_number(void) {
  unsigned now = number;
  char digits[8];
  for (int i = 7; i >= 0; i--, now /= 10) digits[i] = (char)('0' + now % 10);
  if (write(null, digits, sizeof digits) == sizeof digits) number++;
}

int main(int argc, char **argv) {
  int jumps = argc > 1 ? atoi(argv[1]) : 100;
  null = open("/dev/null", O_WRONLY);
  signal(SIGALRM, on_alarm);
  for (volatile int i = 0; i < jumps; i++) {
    if (!sigsetjmp(before, 1)) {
      is_armed = 1;
      struct itimerval once = {{0, 0}, {0, 100}};
      setitimer(ITIMER_REAL, &once, NULL);
      while (is_armed) write_number();
    }
    for (int k = 0; k < 100; k++) write_number();
  }
  printf("%u\n", number);
  return 0;
}
