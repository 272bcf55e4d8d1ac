/* struct sockaddr of every family. The descriptor is bad: only the address is shown. */
#include <arpa/inet.h>
#include <linux/if_alg.h>
#include <linux/if_packet.h>
#include <linux/if_xdp.h>
#include <linux/netlink.h>
#include <linux/qrtr.h>
#include <linux/vm_sockets.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "oracle.h"

int main(void) {
  struct sockaddr_in inet = {.sin_family = AF_INET, .sin_port = htons(80)};
  inet_pton(AF_INET, "192.0.2.1", &inet.sin_addr);
  CALL(bind, -1, &inet, sizeof inet);
  CALL(connect, -1, &inet, 4);
  CALL(connect, -1, &inet, sizeof inet + 4);
  struct sockaddr_in6 inet6 = {
      .sin6_family = AF_INET6, .sin6_port = htons(443), .sin6_flowinfo = htonl(7)};
  inet_pton(AF_INET6, "2001:db8::1", &inet6.sin6_addr);
  CALL(bind, -1, &inet6, sizeof inet6);
  inet_pton(AF_INET6, "fe80::1", &inet6.sin6_addr);
  inet6.sin6_scope_id = 1;
  CALL(bind, -1, &inet6, sizeof inet6);
  inet_pton(AF_INET6, "::ffff:10.0.0.1", &inet6.sin6_addr);
  CALL(bind, -1, &inet6, sizeof inet6);
  struct sockaddr_un local = {.sun_family = AF_UNIX, .sun_path = "/tmp/a socket"};
  CALL(connect, -1, &local, sizeof local);
  CALL(connect, -1, &local, 2 + 14);
  CALL(connect, -1, &local, 2 + 5);
  CALL(connect, -1, &local, 2);
  memcpy(local.sun_path, "\0abstract\0name", 14);
  CALL(bind, -1, &local, 2 + 14);
  struct sockaddr_nl netlink = {.nl_family = AF_NETLINK, .nl_pid = 12, .nl_groups = 0x101};
  CALL(bind, -1, &netlink, sizeof netlink);
  struct sockaddr_ll packet = {.sll_family = AF_PACKET,
                               .sll_protocol = htons(0x0800),
                               .sll_ifindex = 1,
                               .sll_hatype = 1,
                               .sll_pkttype = PACKET_BROADCAST,
                               .sll_halen = 6,
                               .sll_addr = {1, 2, 3, 4, 5, 6}};
  CALL(bind, -1, &packet, sizeof packet);
  struct sockaddr_vm virtual = {
      .svm_family = AF_VSOCK, .svm_port = 1024, .svm_cid = VMADDR_CID_HOST};
  CALL(connect, -1, &virtual, sizeof virtual);
  struct sockaddr none = {.sa_family = AF_UNSPEC};
  CALL(connect, -1, &none, sizeof none);
  struct sockaddr other = {.sa_family = 123, .sa_data = "abcdefghijklm"};
  CALL(connect, -1, &other, sizeof other);
  /* Bluetooth: the length tells the protocol. */
  unsigned char bluetooth[16] = {AF_BLUETOOTH, 0, 2, 0, 4, 0, 6, 7, 8, 9, 10, 0, 1, 0, 0, 0};
  for (int length = 2; length <= 16; length++) CALL(connect, -1, bluetooth, length);
  for (int number = 0; number < 0x102; number += 3) {
    bluetooth[2] = number, bluetooth[3] = number > 0xff ? 0x10 : 0;
    bluetooth[10] = number, bluetooth[12] = number;
    CALL(connect, -1, bluetooth, 14);
  }
  struct sockaddr_alg algorithm = {
      .salg_family = AF_ALG, .salg_type = "hash", .salg_name = "sha256"};
  CALL(bind, -1, &algorithm, sizeof algorithm);
  struct sockaddr_xdp express = {
      .sxdp_family = AF_XDP, .sxdp_flags = XDP_COPY, .sxdp_ifindex = 1, .sxdp_queue_id = 2};
  CALL(bind, -1, &express, sizeof express);
  struct sockaddr_qrtr router = {.sq_family = AF_QIPCRTR, .sq_node = 1, .sq_port = 2};
  CALL(bind, -1, &router, sizeof router);
  CALL(connect, -1, NULL, 16);
  CALL(connect, -1, NOWHERE, 16);
  CALL(connect, -1, &inet, 1);
  return 0;
}
