#include "launch/last_words.h"

#include <pthread.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <ucontext.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <new>
#include <system_error>

#include "backend_host/crash_guard.h"
#include "config/options.h"
#include "launch/preflight.h"
#include "launch/standard_streams.h"

namespace wc {
namespace {

// Without memory of its own: there may be none left.
void say_line(const char* what, const char* detail) {
  char line[512];
  int size = snprintf(line, sizeof line, "wc-preload: %s%s%s\n", what, *detail ? ": " : "", detail);
  size_t length = std::min(static_cast<size_t>(size), sizeof line - 1);
  [[maybe_unused]] ssize_t n = write(stream_for_messages(), line, length);
}

void say_exception(std::exception_ptr thrown) {
  try {
    if (thrown) std::rethrow_exception(std::move(thrown));
    say_line("the tracer failed", "it was told to end at once");
  } catch (const std::bad_alloc&) {
    say_line(
        "the tracer is out of memory; the limits are those of ulimit -d and -v, or a container's",
        "");
  } catch (const std::system_error& error) {
    bool is_limit = error.code() == std::errc::resource_unavailable_try_again;
    say_line(is_limit
                 ? "the tracer cannot start a thread; the limits are those of ulimit -u, -d and -v"
                 : "the tracer failed",
             error.what());
  } catch (const std::exception& error) {
    say_line("the tracer failed", error.what());
  } catch (...) {
    say_line("the tracer failed", "an unknown exception");
  }
}

[[noreturn]] void on_terminate() {
  end_guarded_call();
  say_exception(std::current_exception());
  _exit(kTracerFailed);
}

constexpr size_t kLargeStack = size_t{8} << 20;
constexpr size_t kEnough = size_t{1} << 20;
constexpr size_t kThreadStack = size_t{512} << 10;

struct Work {
  const std::function<int()>* function;
  int result = 0;
  ucontext_t there{}, back{};
};

// makecontext(3) passes ints only.
Work* the_work = nullptr;

void run_work() { the_work->result = (*the_work->function)(); }

void set_thread_stacks() {
  pthread_attr_t attributes;
  if (pthread_attr_init(&attributes) != 0) return;
  if (pthread_attr_setstacksize(&attributes, kThreadStack) == 0)
    pthread_setattr_default_np(&attributes);
  pthread_attr_destroy(&attributes);
}

}  // namespace

int with_last_words(const std::function<int()>& work) {
  std::set_terminate(on_terminate);
  try {
    return work();
  } catch (...) {
    say_exception(std::current_exception());
    return kTracerFailed;
  }
}

int on_large_stack(const std::function<int()>& work) {
  set_thread_stacks();
  rlimit limit{};
  if (getrlimit(RLIMIT_STACK, &limit) != 0 || limit.rlim_cur >= kEnough) return work();
  void* stack = mmap(nullptr, kLargeStack, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
  if (stack == MAP_FAILED) return work();
  mprotect(stack, static_cast<size_t>(sysconf(_SC_PAGESIZE)), PROT_NONE);
  Work here{&work};
  the_work = &here;
  getcontext(&here.there);
  here.there.uc_stack = {stack, 0, kLargeStack};
  here.there.uc_link = &here.back;
  makecontext(&here.there, run_work, 0);
  swapcontext(&here.back, &here.there);
  munmap(stack, kLargeStack);
  return here.result;
}

}  // namespace wc
