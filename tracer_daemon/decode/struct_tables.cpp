// The rows of structs.def, with the offsets that the kernel's headers give them.
#include "decode/struct_tables.h"

#include <asm/ipcbuf.h>
#include <asm/msgbuf.h>
#include <asm/sembuf.h>
#include <asm/shmbuf.h>
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <linux/bpf.h>
#include <linux/filter.h>
#include <linux/futex.h>
#include <linux/if.h>
#include <linux/io_uring.h>
#include <linux/landlock.h>
#include <linux/mount.h>
#include <linux/mqueue.h>

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

// The names are taken before the preprocessor sees them: ifr_flags is a macro of linux/if.h.
#define ROW(name, member, format, table) \
  {name, offsetof(S, member), sizeof(S::member), FieldFormat::format, static_cast<uint8_t>(table)},
#define FIELD(member, format) ROW(#member, member, format, 0)
#define FLAGS(member, table) ROW(#member, member, Flags, FlagTable::table)
#define ENUM(member, table) ROW(#member, member, Enum, FlagTable::table)
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
#undef BEGIN_STRUCT
#undef END_STRUCT
#undef ROW
#undef FIELD
#undef FLAGS
#undef ENUM
#undef NESTED

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
#define END_STRUCT
#include "decode/structs.def"
  return views;
}

constexpr Views kViews = make_views();

}  // namespace

const StructView& struct_view(StructId id) { return kViews[static_cast<size_t>(id)]; }

}  // namespace wc
