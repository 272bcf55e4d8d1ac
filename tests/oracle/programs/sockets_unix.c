/* Unix sockets: addresses, descriptors and credentials in control messages. */
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>

#include "oracle.h"

static void send_control(int fd, int type, const void *data, size_t size) {
  union {
    struct cmsghdr head;
    char bytes[CMSG_SPACE(64)];
  } control;
  memset(&control, 0, sizeof control);
  control.head.cmsg_len = CMSG_LEN(size);
  control.head.cmsg_level = SOL_SOCKET;
  control.head.cmsg_type = type;
  memcpy(CMSG_DATA(&control.head), data, size);
  struct iovec text[2] = {{(void *)"with ", 5}, {(void *)"control", 7}};
  struct msghdr message = {.msg_iov = text,
                           .msg_iovlen = 2,
                           .msg_control = &control,
                           .msg_controllen = CMSG_SPACE(size)};
  sendmsg(fd, &message, MSG_NOSIGNAL);
}

static void receive(int fd, int flags) {
  char bytes[64], control[256];
  struct sockaddr_un from;
  struct iovec room = {bytes, sizeof bytes};
  struct msghdr message = {.msg_name = &from,
                           .msg_namelen = sizeof from,
                           .msg_iov = &room,
                           .msg_iovlen = 1,
                           .msg_control = control,
                           .msg_controllen = sizeof control};
  recvmsg(fd, &message, flags);
}

int main(void) {
  int pair[2], one = 1;
  socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair);
  int descriptors[2] = {0, 1};
  send_control(pair[0], SCM_RIGHTS, descriptors, sizeof descriptors);
  receive(pair[1], MSG_CMSG_CLOEXEC);
  setsockopt(pair[1], SOL_SOCKET, SO_PASSCRED, &one, sizeof one);
  struct ucred own = {getpid(), getuid(), getgid()};
  send_control(pair[0], SCM_CREDENTIALS, &own, sizeof own);
  receive(pair[1], 0);
  receive(pair[1], MSG_DONTWAIT);
  socklen_t size = sizeof own;
  getsockopt(pair[0], SOL_SOCKET, SO_PEERCRED, &own, &size);

  int server = socket(AF_UNIX, SOCK_DGRAM, 0), client = socket(AF_UNIX, SOCK_DGRAM, 0);
  struct sockaddr_un name = {.sun_family = AF_UNIX, .sun_path = "server"},
                     mine = {.sun_family = AF_UNIX, .sun_path = "client"};
  bind(server, (struct sockaddr *)&name, sizeof name);
  bind(client, (struct sockaddr *)&mine, sizeof mine);
  sendto(client, "to the server", 13, 0, (struct sockaddr *)&name, sizeof name);
  struct sockaddr_un from;
  size = sizeof from;
  char bytes[32];
  recvfrom(server, bytes, sizeof bytes, 0, (struct sockaddr *)&from, &size);
  sendto(client, "again", 5, 0, (struct sockaddr *)&name, sizeof name);
  receive(server, 0);
  size = sizeof from;
  getsockname(client, (struct sockaddr *)&from, &size);
  size = sizeof from;
  getpeername(pair[0], (struct sockaddr *)&from, &size);
  CALL(sendmsg, pair[0], NULL, 0);
  CALL(recvmsg, pair[0], NOWHERE, 0);

  struct mmsghdr many[2];
  struct iovec parts[2] = {{(void *)"one", 3}, {(void *)"two two", 7}};
  memset(many, 0, sizeof many);
  for (int i = 0; i < 2; i++) many[i].msg_hdr.msg_iov = &parts[i], many[i].msg_hdr.msg_iovlen = 1;
  many[0].msg_hdr.msg_name = many[1].msg_hdr.msg_name = &name;
  many[0].msg_hdr.msg_namelen = many[1].msg_hdr.msg_namelen = sizeof name;
  sendmmsg(client, many, 2, 0);
  char space[2][16];
  for (int i = 0; i < 2; i++) {
    parts[i] = (struct iovec){space[i], sizeof space[i]};
    many[i].msg_hdr.msg_name = NULL;
  }
  struct timespec limit = {1, 0};
  recvmmsg(server, many, 2, MSG_DONTWAIT, &limit);
  recvmmsg(server, many, 2, MSG_DONTWAIT, NULL);
  return 0;
}
