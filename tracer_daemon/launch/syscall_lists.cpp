#include "launch/syscall_lists.h"

#include <fmt/format.h>

#include <algorithm>

#include "decode/decoder.h"
#include "decode/syscall_classes.h"
#include "decode/syscall_filter.h"
#include "launch/launch.h"
#include "launch/preflight.h"

namespace wc {

int list_syscalls(const Options& options) {
  auto set = parse_syscall_filter(options.list.empty() ? "all" : options.list);
  if (!set) {
    complain(set.error().message);
    return kTracerFailed;
  }
  std::string text;
  for (uint32_t nr = 0; nr < set->size(); nr++) {
    if (!(*set)[nr]) continue;
    std::string_view name = syscall_spec(nr).name;
    if (name.rfind("syscall_0x", 0) != 0) text += fmt::format("{:4} {}\n", nr, name);
  }
  return print(text);
}

std::string syscall_class_rows() {
  std::string text = "system calls (-e):\n";
  for (const SyscallClassName& row : syscall_class_names()) {
    const auto rows = syscall_rows();
    const auto count = std::count_if(rows.begin(), rows.end(), [&](const SyscallSpec& spec) {
      return (spec.classes & row.bit) != 0;
    });
    text += fmt::format("  {:<12} {:5}  {}\n", fmt::format("%{}", row.name), count, row.what);
  }
  return text;
}

}  // namespace wc
