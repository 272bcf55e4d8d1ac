// PROCMAP_QUERY in ioctl(2) on /proc/PID/maps. Source: <linux/fs.h> of Linux 6.11, which the
// headers of older distributions lack.
#include <fcntl.h>
#include <sys/ioctl.h>

#include <array>
#include <cerrno>

#include "base/scoped_fd.h"
#include "proc/files.h"
#include "proc/maps.h"

namespace wc::proc {
namespace {

struct Query {
  uint64_t size, flags, address;
  uint64_t begin, end, rights, page_size, offset, inode;
  uint32_t device_major, device_minor;
  uint32_t name_size, build_id_size;
  uint64_t name, build_id;
};
static_assert(sizeof(Query) == 104);

constexpr unsigned long kQuery = _IOWR('f', 17, Query);
constexpr uint64_t kReadable = 1, kWritable = 2, kExecutable = 4, kShared = 8;
constexpr size_t kMaxName = 4096;

}  // namespace

Result<Mapping> read_mapping(pid_t pid, uint64_t address) {
  ScopedFd file(open(path_of(pid, "maps").c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.valid()) return Error::from_errno("cannot open its map", errno);
  std::array<char, kMaxName> name{};
  Query query{};
  query.size = sizeof query;
  query.address = address;
  query.name_size = name.size();
  query.name = reinterpret_cast<uint64_t>(name.data());
  if (ioctl(file.get(), kQuery, &query) != 0)
    return Error::from_errno("its map cannot be asked for one mapping", errno);
  Mapping mapping;
  mapping.range = {query.begin, query.end};
  mapping.rights = {(query.rights & kReadable) != 0, (query.rights & kWritable) != 0,
                    (query.rights & kExecutable) != 0, (query.rights & kShared) != 0};
  mapping.offset = query.offset;
  mapping.device_major = query.device_major;
  mapping.device_minor = query.device_minor;
  mapping.inode = query.inode;
  if (query.name_size != 0) mapping.path = name.data();
  return mapping;
}

}  // namespace wc::proc
