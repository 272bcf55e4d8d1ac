// pthread_cancel of a thread that is blocked inside read: C++ cleanup runs, the join says so.
#include <pthread.h>
#include <unistd.h>

#include <cstdio>

static int fds[2];

struct Witness {
  const char* name;
  ~Witness() { std::printf("cleanup %s\n", name); }
};

static void handler(void* text) { std::printf("handler %s\n", static_cast<const char*>(text)); }

static void* reader(void* ready) {
  Witness outer{"outer"};
  pthread_cleanup_push(handler, const_cast<char*>("pushed"));
  Witness inner{"inner"};
  char byte;
  static_cast<void>(!write(*static_cast<int*>(ready), "r", 1));
  ssize_t n = read(fds[0], &byte, 1);
  std::printf("not reached %zd\n", n);
  pthread_cleanup_pop(0);
  return nullptr;
}

int main() {
  int ready[2];
  if (pipe(fds) != 0 || pipe(ready) != 0) return 2;
  for (int round = 0; round < 5; round++) {
    pthread_t thread;
    char byte;
    pthread_create(&thread, nullptr, reader, &ready[1]);
    if (read(ready[0], &byte, 1) != 1) return 2;
    usleep(50000);  // so that it is inside read, on a busy machine too
    pthread_cancel(thread);
    void* result;
    pthread_join(thread, &result);
    std::printf("round %d: %s\n", round, result == PTHREAD_CANCELED ? "cancelled" : "returned");
  }
  return 0;
}
