// struct perf_event_attr: what its words mean depends on the type of event, and half of it is bits.
#include <linux/perf_event.h>

#include <algorithm>
#include <cerrno>

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

// The type of a processor's unit stands in the upper half.
void append_upper_half(std::string& out, uint64_t config) {
  if (config >> 32 == 0) return;
  append_hex(out, config >> 32);
  out += "<<32|";
}

void append_cache(std::string& out, uint64_t config) {
  constexpr uint64_t kByte = 0xff;
  const auto low = static_cast<uint32_t>(config);
  append_upper_half(out, config);
  if (low >> 24 != 0) {
    append_hex(out, low >> 24);
    out += "<<24|";
  }
  append_enum(out, FlagTable::PerfCacheResult, low >> 16 & kByte);
  out += "<<16|";
  append_enum(out, FlagTable::PerfCacheOp, low >> 8 & kByte);
  out += "<<8|";
  append_enum(out, FlagTable::PerfCache, low & kByte);
}

void append_config(std::string& out, const perf_event_attr& attr) {
  switch (attr.type) {
    case PERF_TYPE_HARDWARE:
      append_upper_half(out, attr.config);
      return append_enum(out, FlagTable::PerfHardware, static_cast<uint32_t>(attr.config));
    case PERF_TYPE_HW_CACHE:
      return append_cache(out, attr.config);
    case PERF_TYPE_SOFTWARE:
      return append_enum(out, FlagTable::PerfSoftware, attr.config);
    case PERF_TYPE_TRACEPOINT:
      return append_udec(out, attr.config);
    default:
      return append_hex(out, attr.config);
  }
}

// Those behind precise_ip.
constexpr std::string_view kFurtherBits[] = {"mmap_data",
                                             "sample_id_all",
                                             "exclude_host",
                                             "exclude_guest",
                                             "exclude_callchain_kernel",
                                             "exclude_callchain_user",
                                             "mmap2",
                                             "comm_exec",
                                             "use_clockid",
                                             "context_switch",
                                             "write_backward",
                                             "namespaces",
                                             "ksymbol",
                                             "bpf_event",
                                             "aux_output",
                                             "cgroup",
                                             "text_poke",
                                             "build_id",
                                             "inherit_thread",
                                             "remove_on_exec",
                                             "sigtrap"};

void append_bit_names(std::string& out, uint64_t bits, std::span<const std::string_view> names) {
  for (size_t i = 0; i < names.size(); i++) {
    if ((bits >> i & 1) == 0) continue;
    out += ", ";
    out += names[i];
    out += "=1";
  }
}

void append_bits(std::string& out, uint64_t bits) {
  constexpr size_t kFurther = std::size(kBits) + 2, kRest = kFurther + std::size(kFurtherBits);
  append_bit_names(out, bits, kBits);
  const uint64_t precise = bits >> std::size(kBits) & 3;
  out += ", precise_ip=";
  append_udec(out, precise);
  out += " /* ";
  out += kPrecision[precise];
  out += " */";
  append_bit_names(out, bits >> kFurther, kFurtherBits);
  if (bits >> kRest == 0) return;
  out += ", __reserved_1=";
  append_hex(out, bits >> kRest);
  out += " /* Bits 63..";
  append_udec(out, kRest);
  out += " */";
}

// E2BIG: the kernel says how much it knows.
void append_right_size(const Arg& arg, std::string& out) {
  uint32_t head[2];  // type, size
  const size_t at = out.find(", config=");
  if (!arg.failed || static_cast<int64_t>(arg.ret) != -E2BIG || at == std::string::npos ||
      !fetch(arg.context, arg.word, head))
    return;
  std::string size = " => ";
  append_enum(size, FlagTable::PerfAttrSize, head[1]);
  out.insert(at, size);
}

}  // namespace

void decode_perf(const Arg& arg, DecodedArg& to) {
  std::string& out = to.text;
  if (arg.at_exit) return append_right_size(arg, out);
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
