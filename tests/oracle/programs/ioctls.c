/* ioctl requests of files, sockets and devices that are common, and unknown ones. */
#include <linux/fs.h>
#include <linux/if.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "oracle.h"

int main(void) {
  int fd = make_file("file", "text"), sock = socket(AF_INET, SOCK_DGRAM, 0), on = 1, value = 0;
  CALL(ioctl, fd, FIONBIO, &on);
  CALL(ioctl, fd, FIOCLEX);
  CALL(ioctl, fd, FIONCLEX);
  CALL(ioctl, fd, FIOASYNC, &on);
  CALL(ioctl, fd, FIONREAD, &value);
  CALL(ioctl, fd, FS_IOC_GETFLAGS, &value);
  CALL(ioctl, fd, FICLONE, -1);
  CALL(ioctl, fd, BLKGETSIZE64, &value);
  CALL(ioctl, fd, BLKROGET, &value);
  CALL(ioctl, fd, FIBMAP, &value);
  CALL(ioctl, fd, FIGETBSZ, &value);
  struct ifreq interface = {0};
  strcpy(interface.ifr_name, "lo");
  CALL(ioctl, sock, SIOCGIFINDEX, &interface);
  CALL(ioctl, sock, SIOCGIFFLAGS, &interface);
  CALL(ioctl, sock, SIOCGIFADDR, &interface);
  CALL(ioctl, sock, SIOCGIFMTU, &interface);
  CALL(ioctl, sock, SIOCGIFHWADDR, &interface);
  strcpy(interface.ifr_name, "nosuch0");
  CALL(ioctl, sock, SIOCGIFINDEX, &interface);
  struct ifconf list = {.ifc_len = 0};
  CALL(ioctl, sock, SIOCGIFCONF, &list);
  CALL(ioctl, fd, _IO('x', 7), 5);
  CALL(ioctl, fd, _IOR('x', 8, int), &value);
  CALL(ioctl, fd, _IOWR(0xee, 9, long), NULL);
  CALL(ioctl, fd, 0x1234, 0x10);
  return 0;
}
