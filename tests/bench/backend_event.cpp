// What one event costs a built-in back end, without a tracer around it: N calls, each with one
// system call and its return. Usage: backend_event N NAME [key=value...]. Prints nanoseconds an
// event.
#include <cstring>
#include <map>
#include <string>
#include <vector>

#include "bench.h"
#include "builtin.h"

namespace {

std::map<std::string, std::string> given;
uint64_t written = 0;

wc_host host_of(std::vector<const char*>& names) {
  for (const auto& [key, value] : given) names.push_back(key.c_str());
  names.push_back(nullptr);
  wc_host host{.abi = WC_BACKEND_ABI, .struct_size = sizeof(wc_host), .string_size = 32};
  host.write = [](void*, const char*, size_t size) { written += size; };
  host.option = [](void*, const char* key) -> const char* {
    const auto found = given.find(key);
    return found != given.end() ? found->second.c_str() : nullptr;
  };
  host.retire = [](void*, const char* line) {
    std::fprintf(stderr, "%s\n", line);
    std::exit(1);
  };
  host.option_names = names.data();
  host.output = "/dev/null";
  return host;
}

const wc_arg kArgs[] = {{.type = WC_ARG_INT, .value = 1},
                        {.type = WC_ARG_POINTER, .value = 0x7ffd1000},
                        {.type = WC_ARG_UINT, .value = 6}};
const wc_arg kResult = {.type = WC_ARG_INT, .value = 6};

void send(const wc_backend& backend, void* context, uint64_t id) {
  const wc_call call{.ts = id * 1000,
                     .pid = 4312,
                     .tid = 4312,
                     .id = id,
                     .nargs = 3,
                     .function = "write",
                     .symbol = "write",
                     .library = "libc.so.6",
                     .args = kArgs,
                     .args_text = "1, \"hello\\n\", 6",
                     .caller = {.address = 1,
                                .object = "hello",
                                .symbol = "main",
                                .offset = 28,
                                .file = "hello.c",
                                .line = 9},
                     .weight = 1};
  const wc_syscall syscall{.ts = id * 1000 + 1,
                           .dur = 400,
                           .pid = 4312,
                           .tid = 4312,
                           .call = id,
                           .function = "write",
                           .nr = 1,
                           .name = "write",
                           .nargs = 3,
                           .args = kArgs,
                           .ret = 6,
                           .args_text = "1, \"hello\\n\", 6",
                           .ret_text = "6",
                           .value = &kResult,
                           .fd_path = "/dev/pts/1"};
  const wc_return ret{.ts = id * 1000 + 900,
                      .dur = 900,
                      .pid = 4312,
                      .tid = 4312,
                      .call = id,
                      .ret = 6,
                      .function = "write",
                      .ret_text = "6",
                      .value = &kResult};
  if (backend.call != nullptr) backend.call(context, &call);
  if (backend.syscall_exit != nullptr) backend.syscall_exit(context, &syscall);
  if (backend.ret != nullptr) backend.ret(context, &ret);
}

uint64_t processor_time() {
  timespec now = {};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(now.tv_nsec);
}

}  // namespace

int main(int argc, char** argv) {
  const long count = bench_iterations(argc, argv);
  for (int i = 3; i < argc; ++i) {
    const char* equals = std::strchr(argv[i], '=');
    if (equals != nullptr)
      given.emplace(std::string(argv[i], static_cast<size_t>(equals - argv[i])), equals + 1);
  }
  const wc_backend* found = argc > 2 ? wc::backends::find_builtin(argv[2]) : nullptr;
  if (found == nullptr) return 2;
  wc_backend backend = *found;
  std::vector<const char*> names;
  const wc_host host = host_of(names);
  void* context = nullptr;
  char error[400] = "";
  if ((backend.prepare != nullptr &&
       backend.prepare(&context, &host, &backend, error, sizeof error) != 0) ||
      (backend.open != nullptr && backend.open(&context, &host, error, sizeof error) != 0)) {
    std::fprintf(stderr, "%s\n", error);
    return 1;
  }
  const uint64_t begin = processor_time();
  for (long i = 1; i <= count; ++i) send(backend, context, static_cast<uint64_t>(i));
  const uint64_t end = processor_time();
  if (backend.close != nullptr) backend.close(context);
  bench_report(begin, end, count * 3);
  return 0;
}
