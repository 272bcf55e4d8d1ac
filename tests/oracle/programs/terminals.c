/* A pseudo terminal: termios and window sizes. */
#include <sys/ioctl.h>
#include <termios.h>

#include "oracle.h"

int main(void) {
  int master = open("/dev/ptmx", O_RDWR | O_NOCTTY), number = 0, unlocked = 0;
  CALL(ioctl, master, TIOCGPTN, &number);
  CALL(ioctl, master, TIOCSPTLCK, &unlocked);
  CALL(ioctl, master, TIOCGPTPEER, O_RDWR | O_NOCTTY);
  struct termios settings;
  CALL(ioctl, master, TCGETS, &settings);
  cfmakeraw(&settings);
  CALL(ioctl, master, TCSETS, &settings);
  CALL(ioctl, master, TCSETSW, &settings);
  CALL(ioctl, master, TCSETSF, &settings);
  struct winsize size = {24, 80, 640, 480};
  CALL(ioctl, master, TIOCSWINSZ, &size);
  CALL(ioctl, master, TIOCGWINSZ, &size);
  int count;
  CALL(ioctl, master, FIONREAD, &count);
  CALL(ioctl, master, TIOCOUTQ, &count);
  CALL(ioctl, master, TIOCGPGRP, &count);
  CALL(ioctl, master, TIOCSCTTY, 0);
  CALL(ioctl, master, TIOCNOTTY);
  CALL(ioctl, master, TCFLSH, 2);
  CALL(ioctl, master, TCXONC, 1);
  CALL(ioctl, master, TCSBRK, 1);
  int on = 1;
  CALL(ioctl, master, TIOCPKT, &on);
  CALL(ioctl, master, TIOCEXCL);
  CALL(ioctl, master, TIOCGSID, &count);
  CALL(ioctl, -1, TCGETS, &settings);
  CALL(ioctl, -1, TIOCGWINSZ, NULL);
  CALL(ioctl, -1, TCSETS, NULL);
  return 0;
}
