/* ioctl(2) of devices that need not be there: names, arguments of each kind, bad addresses, unknown
 * bits. */
#include <linux/blkpg.h>
#include <linux/counter.h>
#include <linux/fiemap.h>
#include <linux/fs.h>
#include <linux/loop.h>
#include <linux/nbd.h>
#include <linux/perf_event.h>
#include <linux/random.h>
#include <linux/rtc.h>
#include <linux/types.h>
#include <linux/watchdog.h>
#include <mtd/mtd-user.h>
#include <mtd/ubi-user.h>
#include <scsi/sg.h>
#include <sys/ioctl.h>

#include "oracle.h"

int main(void) {
  static const unsigned long requests[] = {0x4b31 /* KDGETLED */,
                                           0x4b33 /* KDGKBTYPE */,
                                           0x4b46 /* KDGKBENT */,
                                           0x4b66 /* KDSKBMETA */,
                                           LOOP_CLR_FD,
                                           LOOP_GET_STATUS64,
                                           RTC_AIE_OFF,
                                           RTC_RD_TIME,
                                           BLKRRPART,
                                           BLKSSZGET,
                                           BLKDISCARD,
                                           NBD_DO_IT,
                                           SG_GET_TIMEOUT,
                                           SG_IO,
                                           MEMGETINFO,
                                           MEMERASE,
                                           WDIOC_KEEPALIVE,
                                           RNDGETENTCNT,
                                           FS_IOC_GETFLAGS,
                                           FIFREEZE,
                                           FS_IOC_FIEMAP,
                                           TIOCSBRK,
                                           TIOCGSOFTCAR,
                                           0x80044501 /* EVIOCGVERSION */,
                                           0x80404506 /* EVIOCGNAME(64) */,
                                           0x80044521 /* EVIOCGBIT */,
                                           0x80184541 /* EVIOCGABS */,
                                           0x89ff,
                                           0xdeadbeef};
  int fd = make_file("file", "text"), number = -5;
  for (size_t i = 0; i < COUNT(requests); i++) {
    CALL(ioctl, -1, requests[i], 0);
    CALL(ioctl, -1, requests[i], NOWHERE);
    CALL(ioctl, -1, requests[i], -1l);
  }
  unsigned long pair[2] = {1, ~0ul};
  CALL(ioctl, -1, BLKDISCARD, pair);
  CALL(ioctl, -1, BLKRASET, 123456789ul);
  CALL(ioctl, -1, BLKBSZSET, &number);
  struct blkpg_partition part = {1, 2, 3, "one", ""};
  CALL(ioctl, -1, BLKPG, &((struct blkpg_ioctl_arg){BLKPG_ADD_PARTITION, 0, sizeof part, &part}));
  CALL(ioctl, -1, BLKPG, &((struct blkpg_ioctl_arg){99, 0, sizeof part, NOWHERE}));
  CALL(ioctl, -1, FS_IOC_SETFLAGS, &(long){FS_APPEND_FL | FS_NODUMP_FL});
  CALL(ioctl, -1, FS_IOC_FSSETXATTR, &((struct fsxattr){FS_XFLAG_SYNC, 1, 2, 3, 4}));
  CALL(ioctl, -1, FITRIM, &((struct fstrim_range){1, 2, 3}));
  CALL(ioctl, -1, RTC_SET_TIME, &((struct rtc_time){1, 2, 3, 4, 5, 6, 7, 8, 9}));
  CALL(ioctl, -1, RTC_IRQP_SET, 64ul);
  CALL(ioctl, -1, LOOP_SET_FD, fd);
  CALL(ioctl, -1, LOOP_SET_BLOCK_SIZE, 512ul);
  CALL(ioctl, -1, NBD_SET_FLAGS, 0x80000001ul);
  CALL(ioctl, -1, NBD_SET_TIMEOUT, 7ul);
  CALL(ioctl, -1, SG_SCSI_RESET, &(int){SG_SCSI_RESET_BUS});
  CALL(ioctl, -1, SG_SET_DEBUG, &number);
  CALL(ioctl, -1, MEMLOCK, &((struct erase_info_user){16, 32}));
  CALL(ioctl, -1, MEMWRITEOOB, &((struct mtd_oob_buf){16, 32, NOWHERE}));
  CALL(ioctl, -1, UBI_IOCATT, &((struct ubi_attach_req){.ubi_num = -1, .mtd_num = 2}));
  CALL(ioctl, -1, UBI_IOCDET, &number);
  CALL(ioctl, -1, WDIOC_SETTIMEOUT, &number);
  CALL(ioctl, -1, TIOCMBIS, &(int){TIOCM_DTR | TIOCM_RTS});
  CALL(ioctl, -1, PERF_EVENT_IOC_DISABLE, 1ul);
  CALL(ioctl, -1, PERF_EVENT_IOC_PERIOD, pair);
  CALL(ioctl, -1, PERF_EVENT_IOC_SET_FILTER, "a filter");
  CALL(ioctl, -1, COUNTER_ADD_WATCH_IOCTL,
       &((struct counter_watch){
           .component = {1, 2, 3, 4}, .event = COUNTER_EVENT_INDEX, .channel = 5}));
  return 0;
}
