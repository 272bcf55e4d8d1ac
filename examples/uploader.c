/*
 * A program that uses the network, with a library that should not. One run in which the library
 * behaves is enough to learn what it needs; the rule then keeps it off the network, and the program
 * on it.
 *
 *   wc-preload -b policy:by=library -o metrics.ini ./uploader
 *   wc-preload --config metrics.ini ./uploader spy
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "metrics.h"

static int listen_here(struct sockaddr_in *here) {
  socklen_t size = sizeof *here;
  int server = socket(AF_INET, SOCK_STREAM, 0);
  here->sin_family = AF_INET;
  here->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (server < 0 || bind(server, (struct sockaddr *)here, size) != 0 || listen(server, 2) != 0 ||
      getsockname(server, (struct sockaddr *)here, &size) != 0)
    return -1;
  return server;
}

int main(int argc, char **argv) {
  (void)argv;
  struct sockaddr_in here = {0};
  int server = listen_here(&here);
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  if (server < 0 || fd < 0 || connect(fd, (struct sockaddr *)&here, sizeof here) != 0) {
    perror("uploader");
    return 1;
  }
  send(fd, "data", 4, 0);
  puts("uploader: has sent its data");
  fflush(stdout);
  metrics_count("upload", "/dev/null", argc > 1 ? ntohs(here.sin_port) : 0);
  close(fd);
  close(server);
  return 0;
}
