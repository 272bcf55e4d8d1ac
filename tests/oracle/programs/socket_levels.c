/* Options of every level of sockets: names, odd sizes, parts of structures, bad addresses. */
#include <linux/if_packet.h>
#include <linux/netlink.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "oracle.h"

static const int levels[] = {SOL_SOCKET, IPPROTO_IP,  IPPROTO_IPV6, IPPROTO_TCP, 255,
                             263,        SOL_NETLINK, 271,          12345};

static int one[16] = {1, 2};
static char bytes[160];

int main(void) {
  int unix_fd = socket(AF_UNIX, SOCK_STREAM, 0);
  for (size_t i = 0; i < COUNT(levels); i++) {
    CALL(setsockopt, -1, levels[i], 1, one, 4);
    CALL(setsockopt, -1, levels[i], 9999, one, 4);
    CALL(setsockopt, -1, levels[i], 1, NULL, 0);
    CALL(setsockopt, -1, levels[i], 1, NOWHERE, 4);
    CALL(setsockopt, -1, levels[i], 1, one, -1);
    CALL(getsockopt, -1, levels[i], 1, one, &(socklen_t){4});
    CALL(getsockopt, -1, levels[i], 1, NULL, NULL);
  }
  for (socklen_t size = 0; size <= 13; size++) {
    socklen_t length = size;
    CALL(getsockopt, unix_fd, SOL_SOCKET, SO_SNDBUF, bytes, &length);
    length = size;
    CALL(getsockopt, unix_fd, SOL_SOCKET, SO_LINGER, bytes, &length);
    CALL(setsockopt, unix_fd, SOL_SOCKET, SO_LINGER, bytes, size);
    CALL(setsockopt, unix_fd, SOL_SOCKET, SO_PASSCRED, bytes, size);
  }
  struct ip_mreq group = {{htonl(0xe0000003)}, {htonl(INADDR_LOOPBACK)}};
  CALL(setsockopt, -1, IPPROTO_IP, IP_ADD_MEMBERSHIP, &group, sizeof group);
  CALL(setsockopt, -1, IPPROTO_IP, IP_DROP_MEMBERSHIP, &group, sizeof group - 1);
  struct ipv6_mreq group6 = {IN6ADDR_LOOPBACK_INIT, 1};
  CALL(setsockopt, -1, IPPROTO_IPV6, IPV6_ADD_MEMBERSHIP, &group6, sizeof group6);
  struct group_req request = {.gr_interface = 1};
  *(struct sockaddr_in *)&request.gr_group =
      (struct sockaddr_in){AF_INET, htons(7), {htonl(0xe0000003)}};
  CALL(setsockopt, -1, IPPROTO_IP, MCAST_JOIN_GROUP, &request, sizeof request);
  CALL(setsockopt, -1, 263, PACKET_ADD_MEMBERSHIP,
       &((struct packet_mreq){1, PACKET_MR_PROMISC, 6, {1, 2, 3}}), 16);
  CALL(setsockopt, -1, 263, PACKET_RX_RING, &((struct tpacket_req){1, 2, 3, 4}), 16);
  CALL(setsockopt, -1, 255, 1, &(int){0x809}, 4);
  CALL(setsockopt, -1, 255, 1, &(int){-2}, 4);
  return 0;
}
