/* descriptors WHAT: opens and closes descriptors, in a right way (clean, threads, closefrom) or a
 * wrong one (leak, twice, stale, exec, child, never). */
#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static FILE *leaked;

static void leak(void) {
  leaked = fopen("/etc/passwd", "r");                                          /* LEAK */
  for (int i = 0; i < 3; i++) (void)!open("/etc/group", O_RDONLY | O_CLOEXEC); /* LEAK 3 */
}

static void twice(void) {
  int fd = open("/etc/passwd", O_RDONLY); /* OPENED */
  close(fd);                              /* CLOSED */
  close(fd);                              /* CLOSED AGAIN */
}

/* What `mine` was is another's by now: the second close takes it from them. */
static int mine;
static void first_owner(void) { mine = open("/etc/passwd", O_RDONLY); /* FIRST */ }
static void drop(void) { close(mine); /* DROPPED */ }
static void stale(void) {
  char byte;
  first_owner();
  drop();
  int theirs = open("/etc/group", O_RDONLY); /* SECOND */
  drop();
  (void)!read(theirs, &byte, 1); /* USED */
}

static void send_one(int socket, int fd) {
  char control[CMSG_SPACE(sizeof fd)] = {0}, byte = 'x';
  struct iovec data = {&byte, 1};
  struct msghdr message = {
      .msg_iov = &data, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
  struct cmsghdr *head = CMSG_FIRSTHDR(&message);
  head->cmsg_level = SOL_SOCKET;
  head->cmsg_type = SCM_RIGHTS;
  head->cmsg_len = CMSG_LEN(sizeof fd);
  memcpy(CMSG_DATA(head), &fd, sizeof fd);
  sendmsg(socket, &message, 0);
}

static int receive_one(int socket) {
  char control[CMSG_SPACE(sizeof(int))], byte;
  struct iovec data = {&byte, 1};
  struct msghdr message = {
      .msg_iov = &data, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
  int fd = -1;
  if (recvmsg(socket, &message, MSG_CMSG_CLOEXEC) == 1)
    memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof fd);
  return fd;
}

static void accepted(void) {
  struct sockaddr_un name = {.sun_family = AF_UNIX};
  socklen_t size = sizeof(sa_family_t);
  int server = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0),
      client = socket(AF_UNIX, SOCK_STREAM, 0);
  bind(server, (struct sockaddr *)&name, size); /* an abstract name of the kernel's choice */
  size = sizeof name;
  getsockname(server, (struct sockaddr *)&name, &size);
  listen(server, 1);
  connect(client, (struct sockaddr *)&name, size);
  int here = accept4(server, NULL, NULL, SOCK_CLOEXEC);
  close(here);
  close(client);
  close(server);
}

static void clean(void) {
  int pair[2], ends[2];
  (void)!pipe(ends);
  close(ends[0]);
  close(ends[1]);
  socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
  send_one(pair[0], 1);
  close(receive_one(pair[1]));
  close(pair[0]);
  close(pair[1]);
  accepted();
  int made[] = {eventfd(0, 0),         epoll_create1(0),
                memfd_create("m", 0),  timerfd_create(CLOCK_MONOTONIC, 0),
                inotify_init1(0),      dup(1),
                fcntl(1, F_DUPFD, 50), dup2(1, 70),
                dup3(1, 71, O_CLOEXEC)};
  for (size_t i = 0; i < sizeof made / sizeof *made; i++) close(made[i]);
  (void)!open("/etc/passwd", O_RDONLY);
  (void)!open("/etc/passwd", O_RDONLY);
  dup2(1, 90);
  dup2(1, 90); /* closes what was there */
  close_range(3, 4000, 0);
}

static void *busy(void *unused) {
  for (int i = 0; i < 400; i++) {
    int ends[2], fd = open("/dev/null", O_RDONLY);
    (void)!pipe2(ends, O_CLOEXEC);
    close(ends[1]);
    close(fd);
    close(ends[0]);
  }
  return unused;
}

static void threads(void) {
  pthread_t all[4];
  for (int i = 0; i < 4; i++) pthread_create(&all[i], NULL, busy, NULL);
  for (int i = 0; i < 4; i++) pthread_join(all[i], NULL);
}

static void handed_on(void) {
  (void)!open("/etc/passwd", O_RDONLY); /* HANDED ON */
  (void)!open("/etc/group", O_RDONLY | O_CLOEXEC);
  fcntl(open("/etc/hosts", O_RDONLY), F_SETFD, FD_CLOEXEC);
  execl("/bin/true", "true", NULL);
}

static void child(void) {
  int fd = open("/etc/passwd", O_RDONLY);
  pid_t pid = fork();
  if (pid == 0) {
    close(fd);
    (void)!open("/etc/group", O_RDONLY); /* OF THE CHILD */
    _exit(0);
  }
  waitpid(pid, NULL, 0);
  close(fd);
}

int main(int argc, char **argv) {
  const char *what = argc > 1 ? argv[1] : "";
  if (strcmp(what, "leak") == 0) leak();
  if (strcmp(what, "twice") == 0) twice();
  if (strcmp(what, "stale") == 0) stale();
  if (strcmp(what, "clean") == 0) clean();
  if (strcmp(what, "threads") == 0) threads();
  if (strcmp(what, "exec") == 0) handed_on();
  if (strcmp(what, "child") == 0) child();
  if (strcmp(what, "never") == 0) close(900); /* NEVER */
  if (strcmp(what, "closefrom") == 0)
    for (int fd = 3; fd < 300; fd++) close(fd);
  return 0;
}
