// libFuzzer entry for the ELF reader and the reader of /etc/ld.so.cache. Both must end in a value
// or an error. Links wc_elf. A good corpus: small shared libraries, static and dynamic programs.
#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/scoped_fd.h"
#include "elf/image.h"
#include "elf/ld_so_cache.h"
#include "patch/syscall_sites.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  (void)wc::parse_ld_so_cache({reinterpret_cast<const char*>(data), size});

  // One file in memory for all inputs: the reader takes paths.
  static const wc::ScopedFd file(::memfd_create("elf", MFD_CLOEXEC));
  static const std::string path = "/proc/self/fd/" + std::to_string(file.get());
  if (::ftruncate(file.get(), 0) != 0 ||
      ::pwrite(file.get(), data, size, 0) != static_cast<ssize_t>(size))
    return 0;
  (void)wc::read_image(path, true);
  (void)wc::script_interpreter(path);
  (void)wc::identify_file(path);
  (void)wc::find_syscall_sites(path);
  return 0;
}
