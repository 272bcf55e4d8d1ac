// Socket options: the name depends on the level, the shape of the value on both.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>

#include "decode/args.h"
#include "decode/struct_tables.h"

namespace wc {
namespace {

FlagTable name_table(uint64_t level) {
  switch (static_cast<int32_t>(level)) {
    case 0:
      return FlagTable::SockoptIp;
    case SOL_SOCKET:
      return FlagTable::SockoptSocket;
    case 6:
      return FlagTable::SockoptTcp;
    case 41:
      return FlagTable::SockoptIpv6;
    default:
      return FlagTable::None;
  }
}

struct OptionValue {
  const Arg& arg;
  uint64_t length;
};

// SOL_SOCKET options that are structures.
bool append_structured(std::string& out, const OptionValue& value, uint64_t option) {
  switch (option) {
    case SO_LINGER: {
      linger l;
      if (value.length < sizeof l || !fetch(value.arg.context, value.arg.word, l)) return false;
      out += "{l_onoff=";
      append_dec(out, l.l_onoff);
      out += ", l_linger=";
      append_dec(out, l.l_linger);
      out += '}';
      return true;
    }
    case SO_PEERCRED: {
      ucred who;
      if (value.length < sizeof who || !fetch(value.arg.context, value.arg.word, who)) return false;
      out += "{pid=";
      append_dec(out, who.pid);
      out += ", uid=";
      append_id(out, who.uid);
      out += ", gid=";
      append_id(out, who.gid);
      out += '}';
      return true;
    }
    case SO_ATTACH_FILTER:
      if (value.length != 16) return false;
      append_struct_at(out, value.arg, StructId::SockFprog);
      return true;
    default:
      return false;
  }
}

bool append_membership(std::string& out, const OptionValue& value) {
  in_addr addresses[2];  // struct ip_mreq
  if (value.length < sizeof addresses || !fetch(value.arg.context, value.arg.word, addresses))
    return false;
  char text[INET_ADDRSTRLEN];
  out += "{imr_multiaddr=inet_addr(\"";
  out += inet_ntop(AF_INET, &addresses[0], text, sizeof text);
  out += "\"), imr_interface=inet_addr(\"";
  out += inet_ntop(AF_INET, &addresses[1], text, sizeof text);
  out += "\")}";
  return true;
}

// Names are no numbers, however short.
bool is_text(int32_t level, uint32_t option) {
  constexpr int32_t kTcp = 6;
  constexpr uint32_t kCongestion = 13, kUlp = 31;
  return (level == SOL_SOCKET && option == SO_BINDTODEVICE) ||
         (level == kTcp && (option == kCongestion || option == kUlp));
}

void append_value(std::string& out, const OptionValue& value) {
  constexpr size_t kOptionNameIndex = 2;
  const uint64_t level = value.arg.other_word(kOptionNameIndex - 1);
  const auto option = static_cast<uint32_t>(value.arg.other_word(kOptionNameIndex));
  if (static_cast<int32_t>(level) == SOL_SOCKET && append_structured(out, value, option)) return;
  if (level == IPPROTO_IP && (option == IP_ADD_MEMBERSHIP || option == IP_DROP_MEMBERSHIP) &&
      append_membership(out, value))
    return;
  int32_t number = 0;
  if (value.length < sizeof number && value.arg.spec.kind == ArgKind::SockoptIn &&
      !is_text(static_cast<int32_t>(level), option))
    return append_pointer(out, value.arg.word);
  if (value.length == sizeof number && fetch(value.arg.context, value.arg.word, number)) {
    out += '[';
    // SO_ERROR holds an errno value.
    if (static_cast<int32_t>(level) == SOL_SOCKET && option == SO_ERROR && number != 0 &&
        !errno_name(number).empty()) {
      out += errno_name(number);
    } else {
      append_dec(out, number);
    }
    out += ']';
    return;
  }
  append_buffer_at(out, value.arg.context, value.arg.word, value.length);
}

}  // namespace

void decode_sockopt(const Arg& arg, DecodedArg& to) {
  switch (arg.spec.kind) {
    case ArgKind::SockoptName: {
      const FlagTable table = name_table(arg.aux_word());
      if (table == FlagTable::None) return append_dec(to.text, static_cast<int32_t>(arg.word));
      return append_enum(to.text, table, arg.word);
    }
    case ArgKind::SockoptIn:
      return append_value(to.text, {arg, static_cast<uint32_t>(arg.aux_word())});
    case ArgKind::SockoptOut: {
      int32_t length = 0;
      if (!fetch(arg.context, arg.aux_word(), length) || length < 0) {
        return append_pointer(to.text, arg.word);
      }
      return append_value(to.text, {arg, static_cast<uint64_t>(length)});
    }
    default:
      return append_pointer(to.text, arg.word);
  }
}

}  // namespace wc
