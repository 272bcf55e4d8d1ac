// Socket addresses, scatter vectors, messages and their control data.
#include <arpa/inet.h>
#include <linux/netlink.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>

#include <algorithm>
#include <charconv>
#include <cstring>

#include "decode/args.h"

namespace wc {
namespace {

constexpr size_t kMaxSockaddr = sizeof(sockaddr_storage);

void append_unix(std::string& out, const sockaddr_un& address, size_t length) {
  const size_t path_length =
      std::min(length - std::min(length, offsetof(sockaddr_un, sun_path)), sizeof address.sun_path);
  if (path_length == 0) return;
  out += ", sun_path=";
  if (address.sun_path[0] == '\0') {
    out += '@';  // abstract: the name is the rest, NULs included
    append_quoted(out, {address.sun_path + 1, path_length - 1});
  } else {
    append_quoted(out, {address.sun_path, strnlen(address.sun_path, path_length)});
  }
}

// Before RFC 2553 there was no scope: the kernel still takes such addresses.
constexpr size_t kInet6WithoutScope = offsetof(sockaddr_in6, sin6_scope_id);

void append_inet6(std::string& out, const sockaddr_in6& address, size_t length) {
  char text[INET6_ADDRSTRLEN] = "";
  inet_ntop(AF_INET6, &address.sin6_addr, text, sizeof text);
  append_field(out, ", sin6_port=htons(", ntohs(address.sin6_port));
  append_field(out, "), sin6_flowinfo=htonl(", ntohl(address.sin6_flowinfo));
  out += "), inet_pton(AF_INET6, \"";
  out += text;
  out += "\", &sin6_addr)";
  if (length < sizeof address) return;
  out += ", sin6_scope_id=";
  const bool has_scope =
      IN6_IS_ADDR_LINKLOCAL(&address.sin6_addr) || IN6_IS_ADDR_MC_LINKLOCAL(&address.sin6_addr);
  if (has_scope) return append_interface(out, address.sin6_scope_id);
  append_udec(out, address.sin6_scope_id);
}

void append_inet(std::string& out, const sockaddr_in& address) {
  char text[INET_ADDRSTRLEN] = "";
  inet_ntop(AF_INET, &address.sin_addr, text, sizeof text);
  append_field(out, ", sin_port=htons(", ntohs(address.sin_port));
  out += "), sin_addr=inet_addr(\"";
  out += text;
  out += "\")";
}

void append_netlink(std::string& out, const sockaddr_nl& address) {
  append_field(out, ", nl_pid=", address.nl_pid);
  char groups[16];
  std::snprintf(groups, sizeof groups, "%#08x", address.nl_groups);
  out += ", nl_groups=";
  out += groups;
}

template <typename T>
const T& as(const sockaddr_storage& storage) {
  return reinterpret_cast<const T&>(storage);
}

void append_sockaddr(std::string& out, const sockaddr_storage& storage, size_t length) {
  out += "{sa_family=";
  append_enum(out, FlagTable::SocketDomain, storage.ss_family);
  const size_t header = sizeof storage.ss_family;
  if (storage.ss_family == AF_UNIX) {
    append_unix(out, as<sockaddr_un>(storage), length);
  } else if (storage.ss_family == AF_INET && length >= sizeof(sockaddr_in)) {
    append_inet(out, as<sockaddr_in>(storage));
  } else if (storage.ss_family == AF_INET6 && length >= kInet6WithoutScope) {
    append_inet6(out, as<sockaddr_in6>(storage), length);
  } else if (storage.ss_family == AF_NETLINK && length >= sizeof(sockaddr_nl)) {
    append_netlink(out, as<sockaddr_nl>(storage));
  } else if (append_link_address(out, storage, length) ||
             append_rare_address(out, storage, length)) {
    // done
  } else if (length > header) {
    out += ", sa_data=";
    append_quoted(out, {reinterpret_cast<const char*>(&storage) + header, length - header});
  }
  out += '}';
}

struct MessageView {
  const DecodeContext& context;
  const msghdr& message;
  uint64_t data_length;             // bytes known to be in the vectors
  std::string_view name_room = {};  // msg_namelen as it was before the call, when it is known
};

// The kernel writes no more than there was room for, and says how long the whole is.
uint32_t name_length(const MessageView& view) {
  uint32_t room = UINT32_MAX;
  std::from_chars(view.name_room.data(), view.name_room.data() + view.name_room.size(), room);
  return std::min(room, view.message.msg_namelen);
}

// "128 => 16" where the call changed it.
void append_namelen(std::string& out, std::string_view label, const MessageView& view) {
  std::string now;
  append_dec(now, static_cast<int32_t>(view.message.msg_namelen));
  out += label;
  if (!view.name_room.empty() && view.name_room != now) {
    out += view.name_room;
    out += " => ";
  }
  out += now;
}

void append_message(std::string& out, const MessageView& view) {
  const msghdr& message = view.message;
  out += "{msg_name=";
  append_sockaddr_at(out, view.context, reinterpret_cast<uint64_t>(message.msg_name),
                     name_length(view));
  append_namelen(out, ", msg_namelen=", view);
  out += ", msg_iov=";
  append_iovec_at(out, view.context, reinterpret_cast<uint64_t>(message.msg_iov),
                  message.msg_iovlen, IovecData::Bytes, view.data_length);
  append_field(out, ", msg_iovlen=", message.msg_iovlen);
  if (message.msg_controllen != 0) {
    out += ", msg_control=";
    append_control_at(out, view.context, reinterpret_cast<uint64_t>(message.msg_control),
                      message.msg_controllen);
  }
  append_field(out, ", msg_controllen=", message.msg_controllen);
  out += ", msg_flags=";
  append_flags(out, FlagTable::MsgFlags, static_cast<uint32_t>(message.msg_flags));
  out += '}';
}

// msg_len is the result of the messages that were transferred, garbage in the others.
void append_message_vector(const Arg& arg, std::string& out, uint64_t count) {
  uint64_t transferred = arg.at_exit && !arg.failed ? arg.ret : 0;
  append_array(
      out, arg.context, arg.word, count, sizeof(mmsghdr),
      [&arg, &transferred](std::string& to, const std::byte* at) {
        mmsghdr element;
        std::memcpy(&element, at, sizeof element);
        const bool done = transferred > 0;
        to += "{msg_hdr=";
        append_message(to, {arg.context, element.msg_hdr, done ? element.msg_len : UINT64_MAX});
        if (done) {
          append_field(to, ", msg_len=", element.msg_len);
          transferred--;
        }
        to += '}';
      });
}

// recvmsg: what it was given room for is remembered from entry, in the data that only strings use.
void append_received_message(const Arg& arg, DecodedArg& to) {
  msghdr message;
  const bool readable = fetch(arg.context, arg.word, message);
  if (!arg.at_exit) {
    if (readable) append_dec(to.data, static_cast<int32_t>(message.msg_namelen));
    return;
  }
  const std::string room = std::move(to.data);
  to.data.clear();
  if (!readable) return append_pointer(to.text, arg.word);
  const MessageView view{arg.context, message, arg.ret, room};
  if (!arg.failed) return append_message(to.text, view);
  append_namelen(to.text, "{msg_namelen=", view);
  to.text += '}';
}

// accept and friends: the kernel writes no more than there was room for at entry, and leaves the
// whole length behind.
void append_written_sockaddr(const Arg& arg, DecodedArg& to) {
  int32_t length = 0;
  const bool readable = fetch(arg.context, arg.aux_word(), length);
  if (!arg.at_exit) {
    if (readable) append_dec(to.data, length);
    return;
  }
  int32_t room = INT32_MAX;
  std::from_chars(to.data.data(), to.data.data() + to.data.size(), room);
  to.data.clear();
  length = std::min(length, room);
  if (arg.failed || !readable || length < 0) return append_pointer(to.text, arg.word);
  append_sockaddr_at(to.text, arg.context, arg.word, static_cast<uint32_t>(length));
}

}  // namespace

void append_sockaddr_at(std::string& out, const DecodeContext& context, uint64_t address,
                        uint64_t length) {
  sockaddr_storage storage{};
  const size_t size = std::min<uint64_t>(length, kMaxSockaddr);
  const bool negative = static_cast<int32_t>(length) < 0;
  if (address == 0 || negative || size < sizeof storage.ss_family ||
      !context.memory.read_all({address}, &storage, size)) {
    return append_pointer(out, address);
  }
  append_sockaddr(out, storage, size);
}

void append_sockaddr_bytes(std::string& out, std::string_view bytes) {
  sockaddr_storage storage{};
  const size_t size = std::min(bytes.size(), sizeof storage);
  std::memcpy(&storage, bytes.data(), size);
  if (size >= sizeof storage.ss_family) return append_sockaddr(out, storage, size);
  append_quoted(out, bytes, QuoteStyle::Hex);
}

void append_iovec_at(std::string& out, const DecodeContext& context, uint64_t address,
                     uint64_t count, IovecData what, uint64_t data_length) {
  uint64_t left = data_length;
  append_array(out, context, address, count, sizeof(iovec),
               [&](std::string& to, const std::byte* at) {
                 uint64_t pair[2];  // base and length
                 std::memcpy(pair, at, sizeof pair);
                 to += "{iov_base=";
                 if (what == IovecData::Bytes) {
                   const uint64_t here = std::min(left, pair[1]);
                   append_buffer_at(to, context, pair[0], here);
                   if (left != UINT64_MAX) left -= here;
                 } else {
                   append_pointer(to, pair[0]);
                 }
                 append_field(to, ", iov_len=", pair[1]);
                 to += '}';
               });
}

void decode_network(const Arg& arg, DecodedArg& to) {
  std::string& out = to.text;
  const uint64_t aux = arg.aux_word();
  switch (arg.spec.kind) {
    case ArgKind::Sockaddr:
      return append_sockaddr_at(out, arg.context, arg.word, static_cast<uint32_t>(aux));
    case ArgKind::SockaddrOut:
      return append_written_sockaddr(arg, to);
    case ArgKind::Iovec:
      return append_iovec_at(out, arg.context, arg.word, aux, IovecData::Bytes, UINT64_MAX);
    case ArgKind::IovecOut:
      return append_iovec_at(out, arg.context, arg.word, aux,
                             arg.failed ? IovecData::Address : IovecData::Bytes, arg.ret);
    case ArgKind::IovecAddr:
      return append_iovec_at(out, arg.context, arg.word, aux, IovecData::Address, 0);
    case ArgKind::MsghdrOut:
      return append_received_message(arg, to);
    case ArgKind::Msghdr: {
      msghdr message;
      if (!fetch_or_address(arg, message, out)) return;
      return append_message(out, {arg.context, message, UINT64_MAX});
    }
    case ArgKind::MsgVec:
      out.clear();  // at exit it is printed again, with lengths
      return append_message_vector(arg, out, static_cast<uint32_t>(aux));
    case ArgKind::MsgVecOut:
      return append_message_vector(arg, out, std::min(arg.ret, aux));
    default:
      return append_pointer(out, arg.word);
  }
}

}  // namespace wc
