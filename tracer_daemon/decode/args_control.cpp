// Control messages of sockets (cmsg(3)): descriptors, credentials, times, what IP tells of a
// packet.
#include <arpa/inet.h>
#include <linux/errqueue.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>
#include <ctime>

#include "decode/args.h"

namespace wc {
namespace {

constexpr int kScmSecurity = 3;

struct Control {
  const DecodeContext& context;
  std::string_view bytes;  // behind the header
};

template <typename T>
bool take(std::string_view bytes, T& value) {
  if (bytes.size() < sizeof value) return false;
  std::memcpy(&value, bytes.data(), sizeof value);
  return true;
}

void append_internet_address(std::string& out, std::string_view name, const in_addr& address) {
  char text[INET_ADDRSTRLEN] = "";
  inet_ntop(AF_INET, &address, text, sizeof text);
  out += name;
  out += "inet_addr(\"";
  out += text;
  out += "\")";
}

// "[a, b, ...]" of elements of one size; an incomplete one at the end is left out.
template <typename T, typename Append>
void append_elements(std::string& out, const Control& control, Append append) {
  const size_t count = control.bytes.size() / sizeof(T);
  const size_t shown = std::min<size_t>(count, control.context.options.string_size);
  out += '[';
  for (size_t i = 0; i < shown; i++) {
    T value;
    std::memcpy(&value, control.bytes.data() + i * sizeof value, sizeof value);
    if (i != 0) out += ", ";
    append(out, value);
  }
  if (shown < count) out += ", ...";
  out += ']';
}

void append_rights(std::string& out, const Control& control) {
  append_elements<int32_t>(out, control, [&control](std::string& to, int32_t fd) {
    append_fd(to, control.context, fd);
  });
}

bool append_credentials(std::string& out, const Control& control) {
  ucred who;
  if (!take(control.bytes, who)) return false;
  out += "{pid=";
  append_dec(out, who.pid);
  out += ", uid=";
  append_udec(out, who.uid);
  out += ", gid=";
  append_udec(out, who.gid);
  out += '}';
  return true;
}

bool append_times(std::string& out, const Control& control, size_t count, std::string_view unit) {
  int64_t times[3][2];
  if (control.bytes.size() < count * sizeof times[0]) {
    out += "???";
    return false;
  }
  std::memcpy(times, control.bytes.data(), count * sizeof times[0]);
  if (count > 1) out += '[';
  for (size_t i = 0; i < count; i++) {
    if (i != 0) out += ", ";
    append_time(out, times[i][0], times[i][1], unit);
  }
  if (count > 1) out += ']';
  return true;
}

bool append_packet_info(std::string& out, const Control& control) {
  in_pktinfo info;
  if (!take(control.bytes, info)) return false;
  out += "{ipi_ifindex=";
  append_interface(out, static_cast<uint32_t>(info.ipi_ifindex));
  append_internet_address(out, ", ipi_spec_dst=", info.ipi_spec_dst);
  append_internet_address(out, ", ipi_addr=", info.ipi_addr);
  out += '}';
  return true;
}

bool append_extended_error(std::string& out, const Control& control) {
  struct {
    sock_extended_err error;
    sockaddr_in offender;
  } value;
  if (!take(control.bytes, value)) return false;
  const auto field = [&out](std::string_view name, uint64_t number) {
    out += name;
    append_udec(out, number);
  };
  field("{ee_errno=", value.error.ee_errno);
  field(", ee_origin=", value.error.ee_origin);
  field(", ee_type=", value.error.ee_type);
  field(", ee_code=", value.error.ee_code);
  field(", ee_info=", value.error.ee_info);
  field(", ee_data=", value.error.ee_data);
  out += ", offender=";
  append_sockaddr_bytes(out,
                        {reinterpret_cast<const char*>(&value.offender), sizeof value.offender});
  out += '}';
  return true;
}

bool append_word(std::string& out, const Control& control) {
  uint32_t value = 0;
  if (!take(control.bytes, value)) return false;
  out += '[';
  append_udec(out, value);
  out += ']';
  return true;
}

void append_octets(std::string& out, const Control& control) {
  append_elements<uint8_t>(out, control,
                           [](std::string& to, uint8_t value) { append_hex(to, value); });
}

// False: it is shorter than its kind is.
bool append_socket_payload(std::string& out, const Control& control, int32_t type) {
  enum : int32_t {
    kRights = 1,
    kCredentials = 2,
    kSecurity = 3,
    kTimestamp = 29,
    kTimestampNs = 35,
    kTimestamping = 37,
    kNewTimestamp = 63,
    kNewTimestampNs = 64,
    kNewTimestamping = 65
  };
  constexpr size_t kThree = 3;  // software, and two that are no longer written
  switch (type) {
    case kRights:
      append_rights(out, control);
      return true;
    case kCredentials:
      return append_credentials(out, control);
    case kSecurity:
      append_quoted(out, control.bytes);
      return true;
    case kTimestamp:
    case kNewTimestamp:
      return append_times(out, control, 1, "tv_usec");
    case kTimestampNs:
    case kNewTimestampNs:
      return append_times(out, control, 1, "tv_nsec");
    case kTimestamping:
    case kNewTimestamping:
      return append_times(out, control, kThree, "tv_nsec");
    default:
      append_quoted(out, control.bytes, QuoteStyle::Hex);
      return true;
  }
}

bool append_ip_payload(std::string& out, const Control& control, int32_t type) {
  enum : int32_t {
    kTos = 1,
    kTtl = 2,
    kRecvOptions = 6,
    kReturnedOptions = 7,
    kPacketInfo = 8,
    kError = 11,
    kSecurity = kScmSecurity,
    kOriginalAddress = 20,
    kChecksum = 23
  };
  switch (type) {
    case kPacketInfo:
      return append_packet_info(out, control);
    case kTtl:
    case kChecksum:
      return append_word(out, control);
    case kTos:
    case kRecvOptions:
    case kReturnedOptions:
      append_octets(out, control);
      return true;
    case kError:
      return append_extended_error(out, control);
    case kOriginalAddress:
      if (control.bytes.size() < sizeof(sockaddr_in)) return false;
      append_sockaddr_bytes(out, control.bytes);
      return true;
    case kSecurity:
      append_quoted(out, control.bytes);
      return true;
    default:
      append_quoted(out, control.bytes, QuoteStyle::Hex);
      return true;
  }
}

void append_type(std::string& out, const cmsghdr& header) {
  const auto type = static_cast<uint32_t>(header.cmsg_type);
  if (header.cmsg_level == SOL_SOCKET) return append_enum(out, FlagTable::ScmType, type);
  if (header.cmsg_level == IPPROTO_IP && header.cmsg_type == kScmSecurity) {
    out += "SCM_SECURITY";
    return;
  }
  if (header.cmsg_level == IPPROTO_IP) return append_enum(out, FlagTable::IpControl, type);
  append_hex(out, type);
}

void append_level(std::string& out, uint32_t level) {
  const std::string_view name = enum_name(FlagTable::SockoptLevel, level);
  out += name;
  if (!name.empty()) return;
  append_hex(out, level);
  out += " /* SOL_??? */";
}

// Whether it is known what stands behind the header.
bool is_known(const cmsghdr& header) {
  const auto type = static_cast<uint32_t>(header.cmsg_type);
  if (header.cmsg_level == SOL_SOCKET) return !enum_name(FlagTable::ScmType, type).empty();
  return header.cmsg_level == IPPROTO_IP &&
         (header.cmsg_type == kScmSecurity || !enum_name(FlagTable::IpControl, type).empty());
}

void append_message(std::string& out, const Control& control, const cmsghdr& header) {
  out += "{cmsg_len=";
  append_udec(out, header.cmsg_len);
  out += ", cmsg_level=";
  append_level(out, static_cast<uint32_t>(header.cmsg_level));
  out += ", cmsg_type=";
  append_type(out, header);
  const bool is_part_of_one = header.cmsg_level == SOL_SOCKET && header.cmsg_type == SCM_RIGHTS &&
                              control.bytes.size() < sizeof(int32_t);
  if (!control.bytes.empty() && !is_part_of_one && is_known(header)) {
    std::string payload;
    const bool whole = header.cmsg_level == SOL_SOCKET
                           ? append_socket_payload(payload, control, header.cmsg_type)
                           : append_ip_payload(payload, control, header.cmsg_type);
    // Of times that are too short it is said; the others are as if they were not there.
    if (whole || payload == "???") {
      out += ", cmsg_data=";
      out += payload;
    }
  }
  out += '}';
}

}  // namespace

void append_control_at(std::string& out, const DecodeContext& context, uint64_t address,
                       uint64_t length) {
  constexpr size_t kMost = 131072;  // net.core.optmem_max
  std::string bytes(std::min<uint64_t>(length, kMost), '\0');
  if (address == 0 || length < sizeof(cmsghdr) ||
      !context.memory.read_all({address}, bytes.data(), bytes.size()))
    return append_pointer(out, address);
  const std::string_view all = bytes;
  out += '[';
  for (size_t at = 0; at < all.size();) {
    if (at != 0) out += ", ";
    const std::string_view rest = all.substr(at);
    cmsghdr header{};
    if (!take(rest, header)) {
      out += "... /* ";
      append_hex(out, address + at);
      out += " */";
      break;
    }
    const bool is_short = header.cmsg_len < sizeof header;
    const size_t size = is_short ? sizeof header : std::min<size_t>(header.cmsg_len, rest.size());
    append_message(out, {context, rest.substr(sizeof header, size - sizeof header)}, header);
    at += CMSG_ALIGN(size);
    if (is_short && at < all.size()) {
      out += ", ... /* ";
      append_hex(out, address + at);
      out += " */";
      break;
    }
  }
  out += length > bytes.size() ? ", ...]" : "]";
}

}  // namespace wc
