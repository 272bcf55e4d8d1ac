/* A conversation over TCP and one over UDP, on the loopback device. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "oracle.h"

int main(void) {
  int server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_TCP);
  struct sockaddr_in address = {.sin_family = AF_INET}, peer;
  socklen_t size = sizeof address;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  int one = 1;
  setsockopt(server, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  bind(server, (struct sockaddr *)&address, sizeof address);
  getsockname(server, (struct sockaddr *)&address, &size);
  listen(server, 5);
  int client = socket(AF_INET, SOCK_STREAM, 0);
  setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  connect(client, (struct sockaddr *)&address, sizeof address);
  size = sizeof peer;
  int accepted = accept4(server, (struct sockaddr *)&peer, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
  size = sizeof peer;
  getpeername(client, (struct sockaddr *)&peer, &size);
  char buffer[64];
  send(client, "hello", 5, MSG_NOSIGNAL);
  recv(accepted, buffer, sizeof buffer, 0);
  recv(accepted, buffer, sizeof buffer, MSG_DONTWAIT | MSG_PEEK);
  shutdown(client, SHUT_WR);
  shutdown(accepted, SHUT_RDWR);
  recv(client, buffer, sizeof buffer, MSG_WAITALL);
  int error;
  size = sizeof error;
  getsockopt(client, SOL_SOCKET, SO_ERROR, &error, &size);
  size = sizeof error;
  getsockopt(client, IPPROTO_TCP, TCP_MAXSEG, &error, &size);

  int udp = socket(AF_INET, SOCK_DGRAM, IPPROTO_UDP);
  address.sin_port = 0;
  bind(udp, (struct sockaddr *)&address, sizeof address);
  size = sizeof address;
  getsockname(udp, (struct sockaddr *)&address, &size);
  sendto(udp, "datagram", 8, MSG_CONFIRM, (struct sockaddr *)&address, sizeof address);
  size = sizeof peer;
  recvfrom(udp, buffer, 4, MSG_TRUNC, (struct sockaddr *)&peer, &size);
  recvfrom(udp, buffer, 4, MSG_DONTWAIT, (struct sockaddr *)&peer, &size);
  int six = socket(AF_INET6, SOCK_DGRAM, 0);
  struct sockaddr_in6 address6 = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
  bind(six, (struct sockaddr *)&address6, sizeof address6);
  socket(AF_INET, SOCK_RAW, IPPROTO_ICMP);
  socket(AF_PACKET, SOCK_RAW, htons(3));
  socket(123, 77, 9);
  return 0;
}
