/* Known numbers of calls, flat and nested, in THREADS threads and a child. */
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static jmp_buf out;

static int compare(const void *a, const void *b) {
  access("/nested", F_OK);
  return *(const char *)a - *(const char *)b;
}

static int leave(const void *a, const void *b) {
  (void)a, (void)b;
  longjmp(out, 1);
}

static void *work(void *argument) {
  for (int i = 0; i < 600; i++) {
    char two[] = "ba";
    access("/flat", F_OK);
    if (open("/opened", O_RDONLY) >= 0) abort();
    qsort(two, 2, 1, compare);
  }
  return argument;
}

int main(int argc, char **argv) {
  int threads = argc > 1 ? atoi(argv[1]) : 1;
  pthread_t all[16];
  for (int i = 0; i < threads; i++) pthread_create(&all[i], NULL, work, NULL);
  for (int i = 0; i < threads; i++) pthread_join(all[i], NULL);
  if (argc > 2) { /* calls that are left by longjmp, and a child */
    for (volatile int i = 0; i < 60; i++) {
      char two[] = "ba";
      if (setjmp(out) == 0) qsort(two, 2, 1, leave);
      access("/after", F_OK);
    }
    pid_t child = fork();
    if (child == 0) {
      work(NULL);
      _exit(0);
    }
    int status;
    if (waitpid(child, &status, 0) != child || status != 0) return 1;
  }
  return 0;
}
