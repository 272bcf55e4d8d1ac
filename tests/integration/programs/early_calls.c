/* Calls before main and behind it: from the first code of the program that runs to the last. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void call(const char *where) {
  char path[64] = "/early/";
  char *copy = strdup(where); /* malloc, before its library may have been initialised */
  access(strcat(path, copy), F_OK);
  write(1, copy, strlen(copy));
  write(1, "\n", 1);
  free(copy);
}

/* Before every constructor of every library. */
static void before_all(int argc, char **argv, char **envp) {
  (void)argc, (void)argv, (void)envp;
  call("preinit");
}
__attribute__((section(".preinit_array"), used)) static void (*preinit)(int, char **,
                                                                        char **) = before_all;

__attribute__((constructor(101))) static void first(void) { call("constructor"); }
__attribute__((destructor(101))) static void last(void) { call("destructor"); }
static void at_exit(void) { call("atexit"); }
static void end_of_thread(void *unused) {
  (void)unused;
  call("key");
}
static pthread_key_t key;
static void *thread(void *unused) {
  (void)unused;
  pthread_setspecific(key, &key);
  call("thread");
  return NULL;
}

/* Chosen by a resolver, while the loader relocates the program. */
static int two(void) { return 2; }
static int (*resolve(void))(void) { return two; }
int chosen(void) __attribute__((ifunc("resolve")));

int main(void) {
  pthread_t other;
  atexit(at_exit);
  pthread_key_create(&key, end_of_thread);
  call(chosen() == 2 ? "main" : "wrong");
  pthread_create(&other, NULL, thread, NULL);
  pthread_join(other, NULL);
  return 0;
}
