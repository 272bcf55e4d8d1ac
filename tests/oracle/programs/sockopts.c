/* Options of sockets, in both directions. */
#include <linux/filter.h>
#include <linux/if_packet.h>
#include <linux/netlink.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "oracle.h"

static void both(int fd, int level, int name, const void *value, socklen_t size) {
  char space[64];
  socklen_t room = sizeof space;
  CALL(setsockopt, fd, level, name, value, size);
  CALL(getsockopt, fd, level, name, space, &room);
}

int main(void) {
  int tcp = socket(AF_INET, SOCK_STREAM, 0), six = socket(AF_INET6, SOCK_DGRAM, 0), one = 1,
      size = 8192;
  struct linger linger = {1, 5};
  struct timeval wait = {2, 500000};
  const int flags[] = {SO_REUSEADDR, SO_KEEPALIVE, SO_BROADCAST, SO_OOBINLINE, SO_REUSEPORT,
                       SO_TIMESTAMP, SO_PRIORITY,  SO_MARK,      SO_RCVLOWAT};
  for (unsigned i = 0; i < COUNT(flags); i++) both(tcp, SOL_SOCKET, flags[i], &one, sizeof one);
  both(tcp, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
  both(tcp, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
  both(tcp, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
  both(tcp, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
  both(tcp, SOL_SOCKET, SO_TYPE, &one, sizeof one);
  both(tcp, SOL_SOCKET, SO_DOMAIN, &one, sizeof one);
  both(tcp, SOL_SOCKET, SO_BINDTODEVICE, "lo", 3);
  both(tcp, SOL_SOCKET, 99, &one, sizeof one);
  const int tcps[] = {TCP_NODELAY,  TCP_KEEPIDLE,     TCP_CORK,
                      TCP_QUICKACK, TCP_DEFER_ACCEPT, TCP_USER_TIMEOUT};
  for (unsigned i = 0; i < COUNT(tcps); i++) both(tcp, IPPROTO_TCP, tcps[i], &one, sizeof one);
  both(tcp, IPPROTO_TCP, TCP_CONGESTION, "reno", 4);
  both(tcp, IPPROTO_IP, IP_TOS, &one, sizeof one);
  both(tcp, IPPROTO_IP, IP_TTL, &one, sizeof one);
  struct ip_mreqn group = {.imr_multiaddr.s_addr = htonl(0xe0000001), .imr_ifindex = 1};
  CALL(setsockopt, tcp, IPPROTO_IP, IP_ADD_MEMBERSHIP, &group, sizeof group);
  both(six, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof one);
  both(six, IPPROTO_IPV6, IPV6_UNICAST_HOPS, &one, sizeof one);
  struct sock_filter code[] = {{BPF_RET | BPF_K, 0, 0, 0xffff}};
  struct sock_fprog program = {1, code};
  CALL(setsockopt, six, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program);
  CALL(setsockopt, six, SOL_SOCKET, SO_DETACH_FILTER, NULL, 0);
  CALL(setsockopt, tcp, SOL_SOCKET, SO_KEEPALIVE, NULL, 4);
  CALL(setsockopt, tcp, SOL_SOCKET, SO_KEEPALIVE, &one, 2);
  CALL(setsockopt, tcp, 77, 1, &one, 4);
  CALL(getsockopt, tcp, SOL_SOCKET, SO_ERROR, NULL, NULL);
  CALL(getsockopt, -1, SOL_SOCKET, SO_ERROR, &one, &size);
  return 0;
}
