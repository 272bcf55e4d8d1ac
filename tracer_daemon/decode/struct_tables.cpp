// The rows of structs.def, with the offsets that the kernel's headers give them.
#include "decode/struct_tables.h"

#include <asm/ipcbuf.h>
#include <asm/msgbuf.h>
#include <asm/sembuf.h>
#include <asm/shmbuf.h>
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <linux/blkpg.h>
#include <linux/blktrace_api.h>
#include <linux/bpf.h>
#include <linux/counter.h>
#include <linux/dqblk_xfs.h>
#include <linux/fiemap.h>
#include <linux/filter.h>
#include <linux/futex.h>
#include <linux/if.h>
#include <linux/if_packet.h>
#include <linux/io_uring.h>
#include <linux/kcmp.h>
#include <linux/landlock.h>
#include <linux/loop.h>
#include <linux/mount.h>
#include <linux/mqueue.h>
#include <linux/quota.h>
#include <linux/rtc.h>
#include <linux/seccomp.h>
#include <linux/tee.h>
#include <mtd/mtd-user.h>
#include <mtd/ubi-user.h>
#include <sys/time.h>
#include <sys/timex.h>

#include <array>

namespace wc {
namespace {

// linux/sched/types.h does not go together with sched.h.
struct sched_attr {
  uint32_t size, sched_policy;
  uint64_t sched_flags;
  int32_t sched_nice;
  uint32_t sched_priority;
  uint64_t sched_runtime, sched_deadline, sched_period;
  uint32_t sched_util_min, sched_util_max;
};
static_assert(sizeof(sched_attr) == 56);

// Gone from the kernel, or newer than the headers that this is built with.
struct sysctl_args {
  void* name;
  int32_t nlen;
  void* oldval;
  void* oldlenp;
  void* newval;
  uint64_t newlen;
};
struct mount_id_req {
  uint32_t size;
  int32_t mnt_ns_fd;
  uint64_t mnt_id, param, mnt_ns_id;
};
// linux/fs.h does not go together with sys/mount.h.
struct fsxattr {
  uint32_t fsx_xflags, fsx_extsize, fsx_nextents, fsx_projid, fsx_cowextsize;
  unsigned char fsx_pad[8];
};
struct fstrim_range {
  uint64_t start, len, minlen;
};
struct cachestat_range {
  uint64_t off, len;
};
struct cachestat {
  uint64_t nr_cache, nr_dirty, nr_writeback, nr_evicted, nr_recently_evicted;
};

// The names are taken before the preprocessor sees them: ifr_flags is a macro of linux/if.h.
#define ROW(name, member, format, table) \
  {name, offsetof(S, member), sizeof(S::member), FieldFormat::format, static_cast<uint16_t>(table)},
#define FIELD(member, format) ROW(#member, member, format, 0)
#define FLAGS(member, table) ROW(#member, member, Flags, FlagTable::table)
#define ENUM(member, table) ROW(#member, member, Enum, FlagTable::table)
#define IF_SET(member, format) \
  {#member, offsetof(S, member), sizeof(S::member), FieldFormat::format, 0, true},
#define ARRAY(member) \
  {#member, offsetof(S, member), sizeof(S::member), FieldFormat::Array, sizeof(S::member[0])},
#define ENUM_IF_SET(member, table)          \
  {#member,                                 \
   offsetof(S, member),                     \
   sizeof(S::member),                       \
   FieldFormat::Enum,                       \
   static_cast<uint16_t>(FlagTable::table), \
   true},
#define REFERENCE(member, id)                                               \
  {#member, offsetof(S, member), sizeof(S::member), FieldFormat::Reference, \
   static_cast<uint16_t>(StructId::id)},
#define MORE {"...", 0, 0, FieldFormat::Dots, 0},
#define NESTED(member, id) ROW(#member, member, Struct, StructId::id)

// First pass: the rows of each struct. Second pass: which rows belong to which struct.
#define BEGIN_STRUCT(id, type, length) \
  namespace of_##id {                  \
    using S = type;                    \
    constexpr FieldRow kFields[] = {
#define END_STRUCT \
  }                \
  ;                \
  }
#include "decode/structs.def"
#include "decode/structs_device.def"
#undef BEGIN_STRUCT
#undef END_STRUCT
#undef ROW
#undef FIELD
#undef FLAGS
#undef ENUM
#undef NESTED
#undef MORE
#undef ENUM_IF_SET
#undef REFERENCE
#undef IF_SET
#undef ARRAY

using Views = std::array<StructView, static_cast<size_t>(StructId::Count)>;

constexpr Views make_views() {
  Views views{};
#define WHOLE \
  {}
#define FIRST_WORD \
  { StructLength::FirstWord }
#define ARGUMENT(n) \
  { StructLength::Argument, n }
#define BEGIN_STRUCT(id, type, length) \
  views[static_cast<size_t>(StructId::id)] = {of_##id::kFields, sizeof(type), length};
#define FIELD(member, format)
#define FLAGS(member, table)
#define ENUM(member, table)
#define NESTED(member, id)
#define MORE
#define ENUM_IF_SET(member, table)
#define REFERENCE(member, id)
#define IF_SET(member, format)
#define ARRAY(member)
#define END_STRUCT
#include "decode/structs.def"
#include "decode/structs_device.def"
  return views;
}

constexpr Views kViews = make_views();

}  // namespace

const StructView& struct_view(StructId id) { return kViews[static_cast<size_t>(id)]; }

}  // namespace wc
