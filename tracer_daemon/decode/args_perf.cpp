// struct perf_event_attr: what its words mean depends on the type of event, and half of it is bits.
#include <linux/perf_event.h>

#include <algorithm>

#include "decode/args.h"

namespace wc {
namespace {

// The bits behind read_format, from the lowest; precise_ip takes two of them.
constexpr std::string_view kBits[] = {
    "disabled",       "inherit",      "pinned",         "exclusive", "exclude_user",
    "exclude_kernel", "exclude_hv",   "exclude_idle",   "mmap",      "comm",
    "freq",           "inherit_stat", "enable_on_exec", "task",      "watermark"};
constexpr std::string_view kPrecision[] = {"arbitrary skid", "constant skid",
                                           "requested to have 0 skid", "must have 0 skid"};
constexpr size_t kBitsOffset = 40;

void append_config(std::string& out, const perf_event_attr& attr) {
  switch (attr.type) {
    case PERF_TYPE_HARDWARE:
      return append_enum(out, FlagTable::PerfHardware, attr.config);
    case PERF_TYPE_SOFTWARE:
      return append_enum(out, FlagTable::PerfSoftware, attr.config);
    case PERF_TYPE_TRACEPOINT:
      return append_udec(out, attr.config);
    default:
      return append_hex(out, attr.config);
  }
}

void append_bits(std::string& out, uint64_t bits) {
  for (size_t i = 0; i < std::size(kBits); i++) {
    if ((bits >> i & 1) == 0) continue;
    out += ", ";
    out += kBits[i];
    out += "=1";
  }
  const uint64_t precise = bits >> std::size(kBits) & 3;
  out += ", precise_ip=";
  append_udec(out, precise);
  out += " /* ";
  out += kPrecision[precise];
  out += " */";
}

}  // namespace

void decode_perf(const Arg& arg, DecodedArg& to) {
  std::string& out = to.text;
  perf_event_attr attr{};
  uint64_t bits = 0;
  uint32_t head[2];  // type, size
  if (!fetch_or_address(arg, head, out)) return;
  const size_t size = head[1] == 0 ? PERF_ATTR_SIZE_VER0 : head[1];
  if (size < PERF_ATTR_SIZE_VER0 ||
      !arg.context.memory.read_all({arg.word}, &attr, std::min(size, sizeof attr)) ||
      !fetch(arg.context, arg.word + kBitsOffset, bits))
    return append_pointer(out, arg.word);
  out += "{type=";
  append_enum(out, FlagTable::PerfType, attr.type);
  out += ", size=";
  append_enum(out, FlagTable::PerfAttrSize, attr.size);
  out += ", config=";
  append_config(out, attr);
  out += attr.freq != 0 ? ", sample_freq=" : ", sample_period=";
  append_udec(out, attr.sample_period);
  out += ", sample_type=";
  append_flags(out, FlagTable::PerfSample, attr.sample_type);
  out += ", read_format=";
  append_flags(out, FlagTable::PerfReadFormat, attr.read_format);
  append_bits(out, bits);
  out += ", ...}";
}

}  // namespace wc
