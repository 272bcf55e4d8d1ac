/* Functions of libc that hand their arguments on to the kernel, then a program that replaces this
 * one, or an exit. */
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/utsname.h>
#include <unistd.h>

static void handler(int number) { (void)number; }

static void sockets(void) {
  int value = 1;
  socklen_t length = sizeof value;
  int fd = socket(AF_INET, SOCK_STREAM, IPPROTO_TCP);
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &value, sizeof value);
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &value, sizeof value);
  getsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &value, &length);
  struct pollfd one = {.fd = fd, .events = POLLIN};
  poll(&one, 1, 0);
  close(fd);
}

int main(int argc, char **argv) {
  struct utsname name;
  struct sigaction action = {.sa_handler = handler, .sa_flags = SA_RESTART}, old;
  sigaddset(&action.sa_mask, SIGUSR1);
  sigaction(SIGUSR2, &action, &old);
  signal(SIGINT, SIG_IGN);
  signal(SIGINT, SIG_DFL);
  sockets();
  fcntl(1, F_GETFD);
  fcntl(1, F_SETFD, 0);
  fcntl(fcntl(1, F_DUPFD, 100), F_SETFD, FD_CLOEXEC);
  fcntl(100, F_GETFD);
  uname(&name);
  if (argc > 1) execl("/bin/true", argv[1], (char *)NULL);
  _exit(0);
}
