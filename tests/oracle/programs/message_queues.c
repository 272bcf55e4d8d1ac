/* POSIX message queues. */
#include <mqueue.h>
#include <time.h>

#include "oracle.h"

int main(void) {
  struct mq_attr attributes = {.mq_maxmsg = 3, .mq_msgsize = 32}, old;
  int queue =
      (int)CALL(mq_open, "wc-oracle-queue", O_RDWR | O_CREAT | O_NONBLOCK, 0600, &attributes);
  struct timespec past = {1, 0};
  char text[32];
  unsigned priority;
  CALL(mq_timedsend, queue, "message", 7ul, 5, &past);
  CALL(mq_timedsend, queue, "second", 6ul, 0, NULL);
  CALL(mq_timedreceive, queue, text, 32ul, &priority, NULL);
  CALL(mq_getsetattr, queue, NULL, &old);
  attributes.mq_flags = 0;
  CALL(mq_getsetattr, queue, &attributes, &old);
  struct sigevent event = {.sigev_notify = SIGEV_NONE};
  CALL(mq_notify, queue, &event);
  CALL(mq_unlink, "wc-oracle-queue");
  CALL(mq_open, "no-such-queue", O_RDONLY);
  return 0;
}
