// What is mapped where in a process: /proc/PID/maps. Source: proc(5).
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/address_range.h"
#include "base/result.h"

namespace wc::proc {

struct Rights {
  bool read = false, write = false, execute = false, shared = false;
  friend bool operator==(Rights, Rights) = default;
};

struct Mapping {
  AddressRange range;
  Rights rights;
  uint64_t offset = 0;  // into the file
  uint32_t device_major = 0, device_minor = 0;
  uint64_t inode = 0;  // 0 when no file is mapped
  std::string path;    // as the kernel has it: "/x", "/x (deleted)", "[vdso]"; empty: anonymous

  [[nodiscard]] bool has_file() const { return path.starts_with('/'); }
  // A file can have a name that ends like this, so the inode decides whether it is the same.
  [[nodiscard]] bool looks_deleted() const { return path.ends_with(" (deleted)"); }
};

// In order of addresses.
class Maps {
 public:
  // Lines that cannot be understood are left out, and so is a last line without its newline.
  static Maps parse(std::string_view text);
  static Maps of(std::vector<Mapping> mappings);

  [[nodiscard]] const std::vector<Mapping>& all() const { return mappings_; }
  // nullptr when nothing is mapped there.
  [[nodiscard]] const Mapping* at(uint64_t address) const;

 private:
  std::vector<Mapping> mappings_;
};

// Errors: ESRCH where the process has ended or has no memory (a zombie, a thread of the kernel),
// EACCES where it may not be examined.
Result<Maps> read_maps(pid_t pid);
// The one that `address` lies in, at the same cost however many there are. Errors as above, ENOENT
// where nothing is mapped, ENOTTY before Linux 6.11.
Result<Mapping> read_mapping(pid_t pid, uint64_t address);
// From a descriptor of /proc/PID/maps, which shows the memory that the process had when it was
// opened, whatever the process has become.
Result<Maps> read_maps_from(int fd);

}  // namespace wc::proc
