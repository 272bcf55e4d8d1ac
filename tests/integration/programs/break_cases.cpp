// Functions to set breakpoints on, one case an argument. Every write says which function it is in.
#include <fcntl.h>
#include <pthread.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csetjmp>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

extern char **environ;

static int sink = -1;  // /dev/null: what a case writes is no output

#define SAY(text) (void)!write(sink, text, sizeof text - 1)

extern "C" {
void inner(void) { SAY("inner"); }
void outer(void) {
  SAY("outer");
  inner();
  SAY("outer");
}
int descend(int n) {
  SAY("descend");
  return n == 0 ? 7 : descend(n - 1) + 1;
}
void quiet(void) {}

// Jumps to inner, whose return is its caller's.
void jumps(void);
__asm__(".globl jumps\n.type jumps, @function\njumps: jmp inner\n.size jumps, . - jumps\n");
// Two that jump to each other: each leaves without a return.
void ping(long n);
__asm__(
    ".globl ping\n.type ping, @function\nping: dec %rdi\n js 1f\n jmp pong\n1: ret\n"
    ".size ping, . - ping\n"
    ".globl pong\n.type pong, @function\npong: dec %rdi\n js 1f\n jmp ping\n1: ret\n"
    ".size pong, . - pong\n");
// First instructions that depend on where they stand.
long relative(void);
__asm__(
    ".data\nrelative_value: .quad 42\n.text\n.globl relative\n.type relative, @function\n"
    "relative: mov relative_value(%rip), %rax\n ret\n.size relative, . - relative\n");
long calls_first(void);
__asm__(
    ".globl calls_first\n.type calls_first, @function\ncalls_first: call relative\n inc %rax\n"
    " ret\n.size calls_first, . - calls_first\n");
long conditional(long n);
__asm__(
    ".globl conditional\n.type conditional, @function\nconditional: jrcxz 1f\n mov $1, %eax\n ret\n"
    "1: mov $2, %eax\n ret\n.size conditional, . - conditional\n");
// Its first instruction is the program's own breakpoint.
void own_trap(void);
__asm__(
    ".globl own_trap\n.type own_trap, @function\nown_trap: int3\n ret\n"
    ".size own_trap, . - own_trap\n");

static jmp_buf back;
void leaps(void) {
  SAY("leaps");
  longjmp(back, 1);
}
void after_leap(void) { SAY("after"); }
}

namespace shop {
struct Basket {
  void add(int price) {
    SAY("add");
    sum += price;
  }
  void add(const std::string &name);
  int sum = 0;
};
void Basket::add(const std::string &name) {
  SAY("add by name");
  sum += static_cast<int>(name.size());
}
template <typename T>
T twice(T value) {
  SAY("twice");
  return value + value;
}
}  // namespace shop

static void throws(void) {
  SAY("throws");
  throw 5;
}

static volatile int traps, alarms;
static void on_trap(int) { traps = traps + 1; }
static void on_alarm(int) {
  alarms = alarms + 1;
  SAY("handler");
}

static void *loops(void *count) {
  for (long i = 0; i < (long)count; i++) inner();
  return nullptr;
}

static void nested() {
  outer();
  SAY("outside");
  quiet();
  inner();
}

static void threads() {
  pthread_t list[4];
  for (pthread_t &one : list) pthread_create(&one, nullptr, loops, (void *)250);
  for (pthread_t &one : list) pthread_join(one, nullptr);
}

static void leap() {
  if (setjmp(back) == 0) {
    leaps();
    SAY("never");  // so that what leaps returns to is not where it leaps to
  }
  after_leap();
  SAY("outside");
}

static void exception() {
  try {
    throws();
  } catch (int) {
    SAY("outside");
  }
  inner();
}

static void children() {
  if (fork() == 0) {
    inner();
    _exit(0);
  }
  wait(nullptr);
  pid_t child;
  char self[] = "/bin/true", *argv[] = {self, nullptr};
  posix_spawn(&child, self, nullptr, nullptr, argv, environ);
  wait(nullptr);
  if (vfork() == 0) {
    inner();
    _exit(0);
  }
  wait(nullptr);
  inner();
}

// A timer that is faster than the calls: signals come on every instruction in turn.
static void signals() {
  signal(SIGALRM, on_alarm);
  timer_t timer;
  sigevent event{};
  event.sigev_signo = SIGALRM;
  itimerspec period{{0, 300'000}, {0, 300'000}};
  event.sigev_notify = SIGEV_SIGNAL;
  timer_create(CLOCK_MONOTONIC, &event, &timer);
  timer_settime(timer, 0, &period, nullptr);
  for (int i = 0; i < 400; i++) inner();
  timer_delete(timer);
}

static void traps_of_its_own() {
  signal(SIGTRAP, on_trap);
  own_trap();
  __asm__ volatile("int3");
  raise(SIGTRAP);
  inner();
  printf("traps %d\n", traps);
}

// A breakpoint's signal can be blocked, too.
static void blocked() {
  sigset_t all, now;
  sigfillset(&all);
  sigprocmask(SIG_BLOCK, &all, nullptr);
  inner();
  sigprocmask(SIG_SETMASK, nullptr, &now);
  printf("SIGUSR1 %d\n", sigismember(&now, SIGUSR1));
}

static void values() {
  printf("%d %ld %ld %ld\n", descend(3), relative(), calls_first(), conditional(1));
  jumps();
  ping(9);
}

static void plus_plus() {
  shop::Basket basket;
  basket.add(3);
  basket.add(std::string("pear"));
  printf("%d %d\n", basket.sum, shop::twice(21));
}

static const struct {
  const char *name;
  void (*run)();
} cases[] = {{"nested", nested},          {"threads", threads},   {"leap", leap},
             {"exception", exception},    {"children", children}, {"signals", signals},
             {"traps", traps_of_its_own}, {"blocked", blocked},   {"values", values},
             {"plus_plus", plus_plus}};

__attribute__((constructor)) static void before_main() {
  sink = open("/dev/null", O_WRONLY);
  inner();
}
__attribute__((destructor)) static void after_main() { inner(); }

int main(int argc, char **argv) {
  for (int i = 1; i < argc; i++)
    for (const auto &one : cases)
      if (strcmp(one.name, argv[i]) == 0) one.run();
  if (argc > 1 && strcmp(argv[argc - 1], "exits") == 0) exit(3);
  return 0;
}
