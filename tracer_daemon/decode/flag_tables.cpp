// The headers below give FLAG rows their values. Where two of them conflict
// (linux/fs.h and sys/mount.h, ...) the rows carry numbers instead.
#include "decode/flag_tables.h"

#include <arpa/inet.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <glob.h>
#include <linux/falloc.h>
#include <locale.h>
#include <netdb.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>

#include "decode/text.h"

namespace wc {
namespace {

// First pass: the rows of each table. Second pass: which rows belong to which table.
#define BEGIN_TABLE(table, unknown, mask) constexpr FlagRow k##table##Rows[] = {
#define FLAG(name) {#name, static_cast<uint64_t>(name)},
#define ROW(name, value) {#name, static_cast<uint64_t>(value)},
#define END_TABLE \
  }               \
  ;
#include "decode/flags_all.def"
#undef BEGIN_TABLE
#undef FLAG
#undef ROW
#undef END_TABLE

using Tables = std::array<FlagTableView, static_cast<size_t>(FlagTable::Count)>;

constexpr Tables make_tables() {
  Tables tables{};
#define BEGIN_TABLE(table, unknown, mask) \
  tables[static_cast<size_t>(FlagTable::table)] = {k##table##Rows, unknown, mask};
#define FLAG(name)
#define ROW(name, value)
#define END_TABLE
#include "decode/flags_all.def"
#undef BEGIN_TABLE
#undef FLAG
#undef ROW
#undef END_TABLE
  const FlagTableView& open = tables[static_cast<size_t>(FlagTable::OpenFlags)];
  constexpr size_t kAccessModes = 4;  // O_RDONLY to O_ACCMODE
  const FlagTableView without_mode = {open.rows.subspan(kAccessModes), open.unknown, 0};
  tables[static_cast<size_t>(FlagTable::MqOpenFlags)] = open;
  tables[static_cast<size_t>(FlagTable::OpenHowFlags)] = open;
  tables[static_cast<size_t>(FlagTable::PipeFlags)] = without_mode;
  tables[static_cast<size_t>(FlagTable::DupFlags)] = without_mode;
  return tables;
}

constexpr Tables kTables = make_tables();

constexpr bool every_table_has_rows() {
  for (size_t i = 1; i < kTables.size(); i++) {
    if (kTables[i].rows.empty()) return false;
  }
  return true;
}
static_assert(every_table_has_rows(), "a FlagTable has no rows in flags_*.def");

// Kernel parameters that are `unsigned long` or 64 bits wide; the upper half of the register
// means nothing for the others.
bool is_wide(FlagTable table) {
  switch (table) {
    case FlagTable::None:
    case FlagTable::MmapProt:
    case FlagTable::MmapFlags:
    case FlagTable::MountFlags:
    case FlagTable::CloneFlags:
    case FlagTable::FanotifyMask:
    case FlagTable::ResolveFlags:
    case FlagTable::StatxAttributes:
    case FlagTable::SaFlags:
    case FlagTable::StatfsFlags:
    case FlagTable::LandlockAccess:
    case FlagTable::PerfSample:
    case FlagTable::PerfFlags:
    case FlagTable::KexecFlags:
    case FlagTable::KexecFileFlags:
    case FlagTable::PkeyRights:
    case FlagTable::UnshareFlags:
    case FlagTable::PrctlDumpable:
    case FlagTable::PrctlVma:
    case FlagTable::PrctlDispatch:
    case FlagTable::Securebits:
    case FlagTable::PacKeys:
    case FlagTable::OpenHowFlags:
    case FlagTable::PerfReadFormat:
    case FlagTable::PerfSoftware:
    case FlagTable::SchedAttrFlags:
    case FlagTable::SmeFlags:
    case FlagTable::Unalign:
    case FlagTable::FpEmulation:
    case FlagTable::FpExceptions:
    case FlagTable::MceKill:
    case FlagTable::SetMm:
    case FlagTable::PrctlAmbient:
    case FlagTable::Capability:
    case FlagTable::MdweFlags:
      return true;
    default:
      return false;
  }
}

void append_unknown(std::string& out, const FlagTableView& table, uint64_t value) {
  append_hex(out, value);
  if (table.unknown.empty()) return;
  out += " /* ";
  out += table.unknown;
  out += " */";
}

// mount(2): a magic number that old programs add to the flags.
constexpr uint64_t kMountMagicMask = 0xffff0000, kMountMagic = 0xc0ed0000;

// Six bits of some flag words hold the logarithm of a huge page's size.
constexpr unsigned kSizeShift = 26;

std::string_view size_shift_name(FlagTable table) {
  switch (table) {
    case FlagTable::MmapFlags:
      return "MAP_HUGE_SHIFT";
    case FlagTable::MemfdFlags:
      return "MFD_HUGE_SHIFT";
    default:
      return {};
  }
}

// What is left of a flag word: unnamed bits, then 21<<MAP_HUGE_SHIFT.
void append_page_size(std::string& out, std::string_view shift, uint64_t value, bool follows) {
  constexpr uint64_t kSizeBits = uint64_t{63} << kSizeShift;
  if (follows) out += '|';
  if ((value & ~kSizeBits) != 0) {
    append_hex(out, value & ~kSizeBits);
    out += '|';
  }
  append_udec(out, (value & kSizeBits) >> kSizeShift);
  out += "<<";
  out += shift;
}

const FlagRow* find_row(const FlagTableView& table, uint64_t value) {
  for (const FlagRow& row : table.rows) {
    // Negative constants and what an int argument leaves in the upper half of a register: 32 bits
    // decide, but for the few constants that need more.
    const bool narrow = row.value <= UINT32_MAX || static_cast<int64_t>(row.value) < 0;
    if (narrow ? static_cast<uint32_t>(row.value) == static_cast<uint32_t>(value)
               : row.value == value) {
      return &row;
    }
  }
  return nullptr;
}

}  // namespace

const FlagTableView& flag_table(FlagTable table) {
  const auto index = static_cast<size_t>(table);
  return kTables[index < kTables.size() ? index : 0];
}

void append_flags(std::string& out, FlagTable table, uint64_t value) {
  const FlagTableView& view = flag_table(table);
  if (!is_wide(table)) value = static_cast<uint32_t>(value);
  const size_t start = out.size();
  if (table == FlagTable::MountFlags && (value & kMountMagicMask) == kMountMagic) {
    out += "MS_MGC_VAL";
    value &= ~kMountMagicMask;
    if (value == 0) return;
    out += '|';
    return append_flags(out, table, value);
  }
  uint64_t unnamed = 0;
  if (view.value_mask != 0) {
    // A policy without a name stands behind its flags.
    const bool last = table == FlagTable::MempolicyMode && (value & ~view.value_mask) != 0 &&
                      find_row(view, value & view.value_mask) == nullptr;
    if (last)
      unnamed = value & view.value_mask;
    else
      append_enum(out, table, value & view.value_mask);
    value &= ~view.value_mask;
  } else if (value == 0) {
    const FlagRow* zero = find_row(view, 0);
    out += zero != nullptr ? zero->name : "0";
    return;
  }
  for (const FlagRow& row : view.rows) {
    const bool is_flag = row.value != 0 && (row.value & ~view.value_mask) != 0;
    if (!is_flag || (value & row.value) != row.value) continue;
    if (out.size() != start) out += '|';
    out += row.name;
    value &= ~row.value;
  }
  value |= unnamed;
  if (const std::string_view shift = size_shift_name(table);
      !shift.empty() && value >> kSizeShift != 0) {
    append_page_size(out, shift, value, out.size() != start);
    return;
  }
  if (value == 0) return;
  if (out.size() == start) {
    append_unknown(out, view, value);
  } else {
    out += '|';
    append_hex(out, value);
  }
}

void append_enum(std::string& out, FlagTable table, uint64_t value) {
  const FlagTableView& view = flag_table(table);
  const FlagRow* row = find_row(view, value);
  if (row != nullptr && is_wide(table) && row->value != value) row = nullptr;
  if (row != nullptr) {
    out += row->name;
  } else {
    append_unknown(out, view, is_wide(table) ? value : static_cast<uint32_t>(value));
  }
}

std::string_view enum_name(FlagTable table, uint64_t value) {
  const FlagRow* row = find_row(flag_table(table), value);
  return row != nullptr ? row->name : std::string_view{};
}

}  // namespace wc
