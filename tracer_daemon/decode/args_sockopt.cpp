// Socket options: the name depends on the level, the shape of the value on both.
#include <arpa/inet.h>
#include <linux/if_packet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <bit>
#include <cstring>

#include "decode/args.h"
#include "decode/struct_tables.h"

namespace wc {
namespace {

struct LevelRow {
  int32_t level;
  FlagTable names;
};
constexpr int32_t kTcp = 6, kUdp = 17, kIpv6 = 41, kRaw = 255, kPacket = 263, kNetlink = 270;
constexpr LevelRow kLevels[] = {
    {IPPROTO_IP, FlagTable::SockoptIp},  {SOL_SOCKET, FlagTable::SockoptSocket},
    {kTcp, FlagTable::SockoptTcp},       {kUdp, FlagTable::SockoptUdp},
    {kIpv6, FlagTable::SockoptIpv6},     {kRaw, FlagTable::SockoptRaw},
    {kPacket, FlagTable::SockoptPacket}, {kNetlink, FlagTable::SockoptNetlink},
    {271, FlagTable::SockoptTipc},       {279, FlagTable::SockoptAlg},
    {282, FlagTable::SockoptTls},        {283, FlagTable::SockoptXdp},
    {284, FlagTable::SockoptMptcp},      {287, FlagTable::SockoptVsock},
};

FlagTable name_table(int32_t level) {
  const auto row = std::ranges::find(kLevels, level, &LevelRow::level);
  return row == std::end(kLevels) ? FlagTable::None : row->names;
}

// How a value is shown.
enum class Shape : uint8_t {
  Any,     // a number where it has the size of one, bytes elsewhere
  Number,  // an int, of which the kernel looks at no more
  Name,    // text
  Error,   // a number that is an errno value
  Linger,
  Credentials,
  Filter,
  Membership,   // ip_mreq
  Membership6,  // ipv6_mreq
  Group,        // group_req
  PacketMembership,
  PacketRing,
  PacketStatistics,
  IcmpFilter,
};

struct ShapeRow {
  int32_t level;
  uint32_t option;
  Shape shape;
};
constexpr uint32_t kTcpCongestion = 13, kTcpUlp = 31;
constexpr uint32_t kAddGroup6 = 20, kDropGroup6 = 21, kJoinAnycast = 27, kLeaveAnycast = 28;
constexpr uint32_t kJoinGroup = 42, kLeaveGroup = 45, kIcmpFilter = 1;
constexpr ShapeRow kShapes[] = {
    {SOL_SOCKET, SO_ERROR, Shape::Error},
    {SOL_SOCKET, SO_LINGER, Shape::Linger},
    {SOL_SOCKET, SO_PEERCRED, Shape::Credentials},
    {SOL_SOCKET, SO_ATTACH_FILTER, Shape::Filter},
    {SOL_SOCKET, 51, Shape::Filter},  // SO_ATTACH_REUSEPORT_CBPF
    {SOL_SOCKET, SO_BINDTODEVICE, Shape::Name},
    {kTcp, kTcpCongestion, Shape::Name},
    {kTcp, kTcpUlp, Shape::Name},
    {IPPROTO_IP, IP_ADD_MEMBERSHIP, Shape::Membership},
    {IPPROTO_IP, IP_DROP_MEMBERSHIP, Shape::Membership},
    {IPPROTO_IP, kJoinGroup, Shape::Group},
    {IPPROTO_IP, kLeaveGroup, Shape::Group},
    {kIpv6, kJoinGroup, Shape::Group},
    {kIpv6, kLeaveGroup, Shape::Group},
    {kIpv6, kAddGroup6, Shape::Membership6},
    {kIpv6, kDropGroup6, Shape::Membership6},
    {kIpv6, kJoinAnycast, Shape::Membership6},
    {kIpv6, kLeaveAnycast, Shape::Membership6},
    {kPacket, PACKET_ADD_MEMBERSHIP, Shape::PacketMembership},
    {kPacket, PACKET_DROP_MEMBERSHIP, Shape::PacketMembership},
    {kPacket, PACKET_RX_RING, Shape::PacketRing},
    {kPacket, PACKET_TX_RING, Shape::PacketRing},
    {kPacket, PACKET_STATISTICS, Shape::PacketStatistics},
    {kRaw, kIcmpFilter, Shape::IcmpFilter},
};

// SOL_SOCKET's flags and counters.
constexpr uint32_t kNumbers[] = {SO_DEBUG,
                                 SO_REUSEADDR,
                                 SO_DONTROUTE,
                                 SO_BROADCAST,
                                 SO_SNDBUF,
                                 SO_RCVBUF,
                                 SO_KEEPALIVE,
                                 SO_OOBINLINE,
                                 SO_NO_CHECK,
                                 SO_PRIORITY,
                                 SO_BSDCOMPAT,
                                 SO_REUSEPORT,
                                 SO_PASSCRED,
                                 SO_RCVLOWAT,
                                 SO_SNDLOWAT,
                                 29,
                                 30,
                                 SO_SNDBUFFORCE,
                                 SO_RCVBUFFORCE,
                                 SO_PASSSEC,
                                 35,
                                 SO_MARK,
                                 37,
                                 40,
                                 41,
                                 SO_PEEK_OFF,
                                 43,
                                 44,
                                 45,
                                 46,
                                 49,
                                 56,
                                 60,
                                 63,
                                 64,
                                 65,
                                 69,
                                 70,
                                 73,
                                 75,
                                 76,
                                 82,
                                 27,
                                 53,
                                 68};

Shape shape_of(int32_t level, uint32_t option) {
  for (const ShapeRow& row : kShapes)
    if (row.level == level && row.option == option) return row.shape;
  if (level == kNetlink) return Shape::Number;
  const bool is_number =
      level == SOL_SOCKET && std::ranges::find(kNumbers, option) != std::end(kNumbers);
  return is_number ? Shape::Number : Shape::Any;
}

struct OptionValue {
  const Arg& arg;
  uint64_t length;  // what the program gives, or the kernel has written
  bool is_written;
};

template <typename T>
bool take(const OptionValue& value, T& to) {
  return value.length >= sizeof to && fetch(value.arg.context, value.arg.word, to);
}

void append_number(std::string& out, const OptionValue& value, bool is_error) {
  int32_t number = 0;
  if (!fetch(value.arg.context, value.arg.word, number)) return append_pointer(out, value.arg.word);
  out += '[';
  if (is_error && number > 0 && !errno_name(number).empty())
    out += errno_name(number);
  else
    append_dec(out, number);
  out += ']';
}

// An int of which the program has asked for a part is that part's bytes.
void append_int(std::string& out, const OptionValue& value, Shape shape) {
  if (value.length >= sizeof(int32_t)) return append_number(out, value, shape == Shape::Error);
  if (!value.is_written || value.length == 0) return append_pointer(out, value.arg.word);
  append_buffer_at(out, value.arg.context, value.arg.word, value.length, QuoteStyle::Hex);
}

void append_any(std::string& out, const OptionValue& value, Shape shape) {
  const bool is_number = shape == Shape::Any && value.length == sizeof(int32_t);
  if (is_number) return append_number(out, value, false);
  append_buffer_at(out, value.arg.context, value.arg.word, value.length);
}

// "{l_onoff=1, l_linger=\"\\x01\"}": four-byte fields, as far as they were given.
struct WordField {
  std::string_view name;
  bool is_signed;
};

void append_words(std::string& out, const OptionValue& value, std::span<const WordField> fields) {
  char bytes[16];
  const size_t size = fields.size() * sizeof(int32_t);
  const size_t length = std::min<uint64_t>(value.length, size);
  if (length == 0 || (!value.is_written && length < size) || value.arg.word == 0 ||
      !value.arg.context.memory.read_all({value.arg.word}, bytes, length))
    return append_pointer(out, value.arg.word);
  for (size_t i = 0; i * sizeof(int32_t) < length; i++) {
    out += i == 0 ? "{" : ", ";
    out += fields[i].name;
    out += '=';
    const std::string_view rest(bytes + i * sizeof(int32_t), length - i * sizeof(int32_t));
    uint32_t word = 0;
    if (rest.size() < sizeof word) {
      append_quoted(out, rest, QuoteStyle::Hex);
      break;
    }
    std::memcpy(&word, rest.data(), sizeof word);
    if (fields[i].is_signed)
      append_dec(out, static_cast<int32_t>(word));
    else
      append_id(out, word);
  }
  out += '}';
}

void append_address(std::string& out, std::string_view name, const in_addr& address) {
  char text[INET_ADDRSTRLEN] = "";
  inet_ntop(AF_INET, &address, text, sizeof text);
  out += name;
  out += "inet_addr(\"";
  out += text;
  out += "\")";
}

bool append_membership(std::string& out, const OptionValue& value) {
  ip_mreq group;
  if (!take(value, group)) return false;
  append_address(out, "{imr_multiaddr=", group.imr_multiaddr);
  append_address(out, ", imr_interface=", group.imr_interface);
  out += '}';
  return true;
}

bool append_membership6(std::string& out, const OptionValue& value) {
  ipv6_mreq group;
  if (!take(value, group)) return false;
  char text[INET6_ADDRSTRLEN] = "";
  inet_ntop(AF_INET6, &group.ipv6mr_multiaddr, text, sizeof text);
  out += "{inet_pton(AF_INET6, \"";
  out += text;
  out += "\", &ipv6mr_multiaddr), ipv6mr_interface=";
  append_interface(out, group.ipv6mr_interface);
  out += '}';
  return true;
}

bool append_group(std::string& out, const OptionValue& value) {
  group_req group;
  if (!take(value, group)) return false;
  out += "{gr_interface=";
  append_interface(out, group.gr_interface);
  out += ", gr_group=";
  append_sockaddr_bytes(out,
                        {reinterpret_cast<const char*>(&group.gr_group), sizeof group.gr_group});
  out += '}';
  return true;
}

bool append_packet_membership(std::string& out, const OptionValue& value) {
  packet_mreq group;
  if (value.length != sizeof group || !take(value, group)) return false;
  out += "{mr_ifindex=";
  append_interface(out, static_cast<uint32_t>(group.mr_ifindex));
  out += ", mr_type=";
  append_enum(out, FlagTable::PacketMembership, group.mr_type);
  out += ", mr_alen=";
  append_udec(out, group.mr_alen);
  out += ", mr_address=";
  char octet[8];
  for (size_t i = 0; i < std::min<size_t>(group.mr_alen, sizeof group.mr_address); i++) {
    const int length =
        std::snprintf(octet, sizeof octet, i == 0 ? "%02x" : ":%02x", group.mr_address[i]);
    out.append(octet, static_cast<size_t>(length));
  }
  out += '}';
  return true;
}

// The types that a filter drops: "[ICMP_ECHO]", or "~[ICMP_ECHO]" of those that it lets through.
bool append_icmp_filter(std::string& out, const OptionValue& value) {
  constexpr int kMany = 16;
  uint32_t mask = 0;
  if (!take(value, mask)) return false;
  if (std::popcount(mask) > kMany) {
    out += '~';
    mask = ~mask;
  }
  out += '[';
  bool follows = false;
  for (unsigned type = 0; type < 32; type++) {
    if ((mask >> type & 1) == 0) continue;
    if (follows) out += ' ';
    follows = true;
    const std::string_view name = enum_name(FlagTable::IcmpType, type);
    if (name.empty())
      append_udec(out, type);
    else
      out += name;
  }
  out += ']';
  return true;
}

bool append_struct_of(std::string& out, const OptionValue& value, Shape shape) {
  switch (shape) {
    case Shape::Filter:
      if (value.length != struct_view(StructId::SockFprog).size) return false;
      append_struct_at(out, value.arg, StructId::SockFprog);
      return true;
    case Shape::PacketRing:
      if (value.length != struct_view(StructId::TpacketReq).size) return false;
      append_struct_at(out, value.arg, StructId::TpacketReq);
      return true;
    case Shape::Membership:
      return append_membership(out, value);
    case Shape::Membership6:
      return append_membership6(out, value);
    case Shape::Group:
      return append_group(out, value);
    case Shape::PacketMembership:
      return append_packet_membership(out, value);
    default:
      return append_icmp_filter(out, value);
  }
}

void append_value(std::string& out, const OptionValue& value) {
  static constexpr WordField kLinger[] = {{"l_onoff", true}, {"l_linger", true}};
  static constexpr WordField kCredentials[] = {{"pid", true}, {"uid", false}, {"gid", false}};
  static constexpr WordField kStatistics[] = {
      {"tp_packets", false}, {"tp_drops", false}, {"tp_freeze_q_cnt", false}};
  constexpr size_t kOption = 2;
  const auto level = static_cast<int32_t>(value.arg.other_word(kOption - 1));
  const Shape shape = shape_of(level, static_cast<uint32_t>(value.arg.other_word(kOption)));
  // A negative length is refused; bytes are shown for what they are.
  const bool is_negative = value.length > INT32_MAX;
  if (is_negative && shape != Shape::Any) return append_pointer(out, value.arg.word);
  switch (shape) {
    case Shape::Any:
    case Shape::Name:
      return append_any(out, value, shape);
    case Shape::Number:
    case Shape::Error:
      return append_int(out, value, shape);
    case Shape::Linger:
      return append_words(out, value, kLinger);
    case Shape::Credentials:
      return append_words(out, value, kCredentials);
    case Shape::PacketStatistics:
      return append_words(out, value, kStatistics);
    default:
      if (!append_struct_of(out, value, shape)) append_pointer(out, value.arg.word);
  }
}

}  // namespace

void decode_sockopt(const Arg& arg, DecodedArg& to) {
  switch (arg.spec.kind) {
    case ArgKind::SockoptName: {
      const FlagTable table = name_table(static_cast<int32_t>(arg.aux_word()));
      if (table == FlagTable::None) return append_dec(to.text, static_cast<int32_t>(arg.word));
      return append_enum(to.text, table, arg.word);
    }
    case ArgKind::SockoptIn: {
      return append_value(to.text, {arg, static_cast<uint32_t>(arg.aux_word()), false});
    }
    case ArgKind::SockoptOut: {
      int32_t length = 0;
      if (!fetch(arg.context, arg.aux_word(), length) || length < 0)
        return append_pointer(to.text, arg.word);
      return append_value(to.text, {arg, static_cast<uint64_t>(length), true});
    }
    default:
      return append_pointer(to.text, arg.word);
  }
}

}  // namespace wc
