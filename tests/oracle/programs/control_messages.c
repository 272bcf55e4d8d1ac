/* Control messages that are sent to nobody: kinds, lengths that lie, more than one. */
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "oracle.h"

static char control[256];

static void send_control(size_t size) {
  struct msghdr message = {.msg_control = control, .msg_controllen = size};
  CALL(sendmsg, -1, &message, 0);
}

static struct cmsghdr *head(int level, int type, size_t length) {
  struct cmsghdr *first = (struct cmsghdr *)control;
  *first = (struct cmsghdr){.cmsg_len = length, .cmsg_level = level, .cmsg_type = type};
  return first;
}

int main(void) {
  for (size_t i = sizeof(struct cmsghdr); i < sizeof control; i++) control[i] = (char)(i & 7);
  static const int types[] = {SCM_RIGHTS,     SCM_CREDENTIALS, 3,   SO_TIMESTAMP,
                              SO_TIMESTAMPNS, SO_TIMESTAMPING, 9999};
  for (size_t i = 0; i < COUNT(types); i++)
    for (size_t size = 16; size <= 64; size += 4) {
      head(SOL_SOCKET, types[i], size);
      send_control((size + 7) & ~7ul);
    }
  static const int kinds[] = {IP_TOS, IP_TTL, IP_RECVOPTS, IP_RETOPTS, IP_CHECKSUM, 9999};
  for (size_t i = 0; i < COUNT(kinds); i++) {
    head(IPPROTO_IP, kinds[i], CMSG_LEN(4));
    send_control(CMSG_SPACE(4));
  }
  head(IPPROTO_IP, IP_PKTINFO, CMSG_LEN(sizeof(struct in_pktinfo)));
  send_control(CMSG_SPACE(sizeof(struct in_pktinfo)));
  head(IPPROTO_TCP, 7, 16);
  send_control(16);
  static const size_t lies[] = {0, 1, 15, 17, 1000};
  for (size_t i = 0; i < COUNT(lies); i++) {
    head(SOL_SOCKET, SCM_RIGHTS, lies[i]);
    for (size_t size = 0; size <= 40; size += 8) send_control(size);
  }
  struct msghdr message = {.msg_control = NOWHERE, .msg_controllen = 64};
  CALL(sendmsg, -1, &message, 0);
  return 0;
}
