// The socket is asked itself, by a second descriptor of it (pidfd_getfd(2)): that is right for
// every network namespace, and does not grow with the number of sockets of the machine, as a search
// in /proc/net does.
#include "decode/socket_name.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <optional>

#include "base/scoped_fd.h"
#include "decode/decoder.h"
#include "proc/files.h"

namespace wc {
namespace {

constexpr std::string_view kSocket = "socket:[";
constexpr uint32_t kLongestPath = 4096;

struct Address {
  sockaddr_storage bytes{};
  socklen_t size = 0;
};

ScopedFd second_descriptor(pid_t pid, int fd) {
  const ScopedFd process(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
  if (!process.valid()) return {};
  return ScopedFd(static_cast<int>(syscall(SYS_pidfd_getfd, process.get(), fd, 0)));
}

int number_of(int socket, int option) {
  int value = -1;
  socklen_t size = sizeof value;
  return getsockopt(socket, SOL_SOCKET, option, &value, &size) == 0 ? value : -1;
}

template <auto ask>
std::optional<Address> address_of(int socket) {
  Address address;
  address.size = sizeof address.bytes;
  if (ask(socket, reinterpret_cast<sockaddr*>(&address.bytes), &address.size) != 0)
    return std::nullopt;
  return address;
}

std::string unix_protocol(int type) {
  switch (type) {
    case SOCK_STREAM:
      return "UNIX-STREAM";
    case SOCK_DGRAM:
      return "UNIX-DGRAM";
    case SOCK_SEQPACKET:
      return "UNIX-SEQPACKET";
    default:
      return "UNIX";
  }
}

// "TCP", "UDPv6", "NETLINK", as the kernel names them.
std::string protocol_of(pid_t pid, int fd) {
  char name[64] = "";
  const std::string path = proc::path_of(pid, "fd/" + std::to_string(fd));
  const ssize_t size = getxattr(path.c_str(), "system.sockprotoname", name, sizeof name);
  return {name, size > 0 ? strnlen(name, static_cast<size_t>(size)) : 0};
}

// "127.0.0.1:80", "[::1]:80"; empty: none.
std::string internet_address(const Address& address) {
  char text[INET6_ADDRSTRLEN] = "";
  if (address.bytes.ss_family == AF_INET) {
    const auto& inet = reinterpret_cast<const sockaddr_in&>(address.bytes);
    inet_ntop(AF_INET, &inet.sin_addr, text, sizeof text);
    return inet.sin_port == 0 ? std::string() : fmt::format("{}:{}", text, ntohs(inet.sin_port));
  }
  const auto& inet = reinterpret_cast<const sockaddr_in6&>(address.bytes);
  inet_ntop(AF_INET6, &inet.sin6_addr, text, sizeof text);
  return inet.sin6_port == 0 ? std::string() : fmt::format("[{}]:{}", text, ntohs(inet.sin6_port));
}

std::string internet_name(int socket) {
  const auto own = address_of<getsockname>(socket);
  const auto peer = address_of<getpeername>(socket);
  std::string name = own ? internet_address(*own) : std::string();
  if (!name.empty() && peer) name += "->" + internet_address(*peer);
  return name;
}

// The inode of the socket at the other end, which only the kernel's socket monitor tells; 0:
// unknown.
uint32_t unix_peer(uint32_t inode) {
  const ScopedFd monitor(
      ::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_SOCK_DIAG));
  struct {
    nlmsghdr head;
    unix_diag_req request;
  } question{};
  question.head = {sizeof question, SOCK_DIAG_BY_FAMILY, NLM_F_REQUEST, 0, 0};
  question.request.sdiag_family = AF_UNIX;
  question.request.udiag_states = ~0u;
  question.request.udiag_ino = inode;
  question.request.udiag_show = UDIAG_SHOW_PEER;
  // Without a cookie the kernel takes the inode alone.
  question.request.udiag_cookie[0] = question.request.udiag_cookie[1] = ~0u;
  if (send(monitor.get(), &question, sizeof question, 0) < 0) return 0;
  alignas(nlmsghdr) char answer[4096];
  const ssize_t size = recv(monitor.get(), answer, sizeof answer, 0);
  auto* head = reinterpret_cast<nlmsghdr*>(answer);
  if (size < 0 || !NLMSG_OK(head, static_cast<size_t>(size)) ||
      head->nlmsg_type != SOCK_DIAG_BY_FAMILY)
    return 0;
  constexpr size_t kFixed = NLMSG_ALIGN(sizeof(unix_diag_msg));
  if (head->nlmsg_len < NLMSG_HDRLEN + kFixed + NLA_HDRLEN + sizeof(uint32_t)) return 0;
  const char* at = static_cast<const char*>(NLMSG_DATA(head)) + kFixed;
  nlattr attribute;
  std::memcpy(&attribute, at, sizeof attribute);
  if (attribute.nla_type != UNIX_DIAG_PEER) return 0;
  uint32_t peer = 0;
  std::memcpy(&peer, at + NLA_HDRLEN, sizeof peer);
  return peer;
}

// What stands behind the inode: "->18", ",\"/run/s\"". An abstract name begins with "@".
std::string unix_name(int socket, std::string_view inode) {
  std::string name(inode);
  uint32_t number = 0;
  std::from_chars(inode.data(), inode.data() + inode.size(), number);
  if (const uint32_t peer = unix_peer(number); peer != 0) name += fmt::format("->{}", peer);
  const auto own = address_of<getsockname>(socket);
  constexpr size_t kPath = offsetof(sockaddr_un, sun_path);
  if (!own || own->size <= kPath) return name;
  const char* path = reinterpret_cast<const sockaddr_un&>(own->bytes).sun_path;
  const bool is_abstract = path[0] == '\0';
  const size_t size = is_abstract ? own->size - kPath - 1 : strnlen(path, own->size - kPath);
  return name + (is_abstract ? ",@" : ",") + quote({path + is_abstract, size}, kLongestPath);
}

}  // namespace

std::string socket_name(pid_t pid, int fd, std::string_view target) {
  if (!target.starts_with(kSocket) || !target.ends_with(']')) return std::string(target);
  const std::string_view inode = target.substr(kSocket.size(), target.size() - kSocket.size() - 1);
  const ScopedFd socket = second_descriptor(pid, fd);
  if (!socket.valid()) return std::string(target);
  const int domain = number_of(socket.get(), SO_DOMAIN);
  if (domain == AF_UNIX)
    return fmt::format("{}:[{}]", unix_protocol(number_of(socket.get(), SO_TYPE)),
                       unix_name(socket.get(), inode));
  const std::string protocol = protocol_of(pid, fd);
  if (protocol.empty()) return std::string(target);
  std::string name;
  if (domain == AF_INET || domain == AF_INET6) name = internet_name(socket.get());
  return fmt::format("{}:[{}]", protocol, name.empty() ? inode : name);
}

}  // namespace wc
