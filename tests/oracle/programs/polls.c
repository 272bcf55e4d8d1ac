/* Waiting for descriptors. */
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/select.h>
#include <sys/time.h>

#include "oracle.h"

int main(void) {
  int ends[2];
  pipe(ends);
  struct pollfd fds[] = {
      {ends[0], POLLIN | POLLPRI, 0}, {ends[1], POLLOUT, 0}, {-1, POLLIN, 0}, {77, POLLRDHUP, 0}};
  struct timespec little = {0, 1000};
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGUSR1);
  CALL(poll, fds, 4, 0);
  CALL(poll, fds, 1, 1);
  CALL(poll, NULL, 0, 1);
  CALL(poll, NOWHERE, 2, 0);
  CALL(ppoll, fds, 2, &little, &set, 8ul);
  CALL(ppoll, fds, 1, &little, NULL, 8ul);
  CALL(ppoll, fds + 1, 1, NULL, NULL, 8ul);
  write(ends[1], "x", 1);
  close(ends[1]);
  CALL(poll, fds, 2, 100);
  fd_set in, out;
  FD_ZERO(&in);
  FD_ZERO(&out);
  FD_SET(ends[0], &in);
  FD_SET(1, &out);
  FD_SET(0, &in);
  struct timeval short_time = {0, 1000};
  CALL(select, 8, &in, &out, NULL, &short_time);
  FD_ZERO(&in);
  CALL(select, 8, &in, NULL, NULL, &short_time);
  FD_SET(60, &in);
  CALL(select, 64, &in, NULL, NULL, NULL);
  CALL(select, 0, NULL, NULL, NULL, &short_time);
  struct {
    const sigset_t *set;
    size_t size;
  } mask = {&set, 8};
  FD_ZERO(&in);
  FD_SET(ends[0], &in);
  CALL(pselect6, 8, &in, NULL, NULL, &little, &mask);
  CALL(pselect6, 0, NULL, NULL, NULL, &little, NULL);
  int epoll = epoll_create1(EPOLL_CLOEXEC);
  int event_fd = eventfd(5, EFD_NONBLOCK | EFD_SEMAPHORE);
  struct epoll_event event = {EPOLLIN | EPOLLET, {.u64 = 0x100000007}}, ready[4];
  CALL(epoll_ctl, epoll, EPOLL_CTL_ADD, event_fd, &event);
  event = (struct epoll_event){EPOLLIN | EPOLLHUP | EPOLLONESHOT | EPOLLRDHUP, {.fd = 3}};
  CALL(epoll_ctl, epoll, EPOLL_CTL_ADD, ends[0], &event);
  CALL(epoll_wait, epoll, ready, 4, 0);
  CALL(epoll_wait, epoll, ready, 4, 0);
  CALL(epoll_pwait, epoll, ready, 4, 0, &set, 8ul);
  CALL(epoll_pwait2, epoll, ready, 4, &little, NULL, 8ul);
  CALL(epoll_ctl, epoll, EPOLL_CTL_MOD, ends[0], &event);
  CALL(epoll_ctl, epoll, EPOLL_CTL_DEL, ends[0], NULL);
  CALL(epoll_ctl, epoll, 9, 77, &event);
  CALL(epoll_wait, -1, ready, 4, -1);
  CALL(epoll_create, 10);
  CALL(eventfd, 1);
  uint64_t count;
  CALL(read, event_fd, &count, 8ul);
  CALL(write, event_fd, &count, 8ul);
  return 0;
}
