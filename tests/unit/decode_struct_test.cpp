// Structs that structs.def describes, and commands that decide what an argument is. The expected
// texts are what strace 6.1 printed for the same bytes.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <linux/aio_abi.h>
#include <linux/bpf.h>
#include <linux/io_uring.h>
#include <linux/landlock.h>
#include <linux/perf_event.h>
#include <sys/syscall.h>

#include "decode/decoder.h"
#include "decode/struct_tables.h"
#include "decode_fake_memory.h"

namespace wc {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr uint64_t kBad = 0xdead0000;

class Structs : public testing::Test {
 protected:
  template <typename... Word>
  std::string run(std::string_view name, int64_t ret, Word... words) {
    return Call(memory).text(name, {static_cast<uint64_t>(words)...}, ret);
  }
  template <typename T>
  uint64_t put(const T& value) {
    return memory.put_value(value);
  }
  FakeMemory memory;
};

struct SchedAttributes {
  uint32_t size = 48, policy = 6;
  uint64_t flags = 0;
  int32_t nice = -3;
  uint32_t priority = 0;
  uint64_t runtime = 1, deadline = 2, period = 3;
  uint32_t util_min = 7, util_max = 9;
};

TEST_F(Structs, FieldsBeyondTheCallersSizeAreLeftOut) {
  SchedAttributes attributes;
  EXPECT_EQ(run("sched_setattr", 0, 0, put(attributes), 0),
            "sched_setattr(0, {size=48, sched_policy=SCHED_DEADLINE, sched_flags=0, sched_nice=-3, "
            "sched_priority=0, sched_runtime=1, sched_deadline=2, sched_period=3}, 0) = 0");
  attributes.size = 56;
  EXPECT_THAT(run("sched_setattr", 0, 0, put(attributes), 0),
              HasSubstr("sched_period=3, sched_util_min=7, sched_util_max=9}"));
}

TEST_F(Structs, LyingSizesAreCapped) {
  SchedAttributes attributes;
  attributes.size = UINT32_MAX;
  EXPECT_THAT(run("sched_setattr", 0, 0, put(attributes), 0), HasSubstr("sched_util_max=9, ...}"));
  attributes.size = 0;  // the kernel takes the first version
  EXPECT_THAT(run("sched_setattr", 0, 0, put(attributes), 0), HasSubstr("sched_period=3}, 0)"));
  attributes.size = 47;
  EXPECT_EQ(run("sched_setattr", -7, 0, put(attributes), 0),
            "sched_setattr(0, {size=47} => {size=47}, 0) = -1 E2BIG (Argument list too long)");
  EXPECT_THAT(run("bpf", 0, 0, put(uint64_t{1}), ~0ull), HasSubstr("BPF_MAP_CREATE, 0x"));
}

TEST_F(Structs, UnreadableOnesAreAddresses) {
  EXPECT_EQ(run("sched_setattr", -14, 0, kBad, 0),
            "sched_setattr(0, 0xdead0000, 0) = -1 EFAULT (Bad address)");
  EXPECT_EQ(run("mq_getsetattr", 0, 3, 0, 0), "mq_getsetattr(3, NULL, NULL) = 0");
  EXPECT_EQ(run("io_submit", -14, 1, 2, kBad),
            "io_submit(0x1, 2, 0xdead0000) = -1 EFAULT (Bad address)");
}

TEST_F(Structs, OutStructsOfFailedCallsAreAddresses) {
  const uint64_t state = put(std::array<char, 128>{});
  EXPECT_THAT(run("shmctl", -13, 1, 2, state), Not(HasSubstr("shm_perm")));
  EXPECT_THAT(run("shmctl", 0, 1, 2, state),
              HasSubstr("{shm_perm={uid=0, gid=0, mode=000, key=0, cuid=0, cgid=0}, shm_segsz=0"));
}

TEST_F(Structs, BpfAttributesByCommand) {
  bpf_attr attr{};
  attr.map_type = BPF_MAP_TYPE_ARRAY;
  attr.key_size = 4, attr.value_size = 8, attr.max_entries = 3;
  EXPECT_EQ(run("bpf", 3, BPF_MAP_CREATE, put(attr), 20),
            "bpf(BPF_MAP_CREATE, {map_type=BPF_MAP_TYPE_ARRAY, key_size=4, value_size=8, "
            "max_entries=3, map_flags=0}, 20) = 3");
  attr = {};
  attr.map_fd = 3, attr.key = 0x10, attr.value = 0x20;
  EXPECT_EQ(run("bpf", 0, BPF_MAP_UPDATE_ELEM, put(attr), 32),
            "bpf(BPF_MAP_UPDATE_ELEM, {map_fd=3, key=0x10, value=0x20, flags=BPF_ANY}, 32) = 0");
  EXPECT_EQ(run("bpf", 0, BPF_MAP_DELETE_ELEM, put(attr), 16),
            "bpf(BPF_MAP_DELETE_ELEM, {map_fd=3, key=0x10}, 16) = 0");
}

TEST_F(Structs, PerfAttributes) {
  perf_event_attr attr{};
  attr.size = sizeof attr;
  attr.config = PERF_COUNT_HW_INSTRUCTIONS;
  attr.sample_period = 1000;
  attr.freq = attr.disabled = attr.exclude_kernel = 1;
  attr.sample_type = PERF_SAMPLE_IP | PERF_SAMPLE_TID;
  EXPECT_THAT(run("perf_event_open", 3, put(attr), 0, -1, -1, 0),
              HasSubstr("config=PERF_COUNT_HW_INSTRUCTIONS, sample_freq=1000, "
                        "sample_type=PERF_SAMPLE_IP|PERF_SAMPLE_TID, read_format=0, disabled=1, "
                        "exclude_kernel=1, freq=1, precise_ip=0 /* arbitrary skid */, ...}"));
}

TEST_F(Structs, IoUringParamsBeforeAndAfter) {
  io_uring_params params{};
  params.flags = IORING_SETUP_CQSIZE;
  params.cq_entries = 64;
  const uint64_t address = put(params);
  EXPECT_EQ(run("io_uring_setup", -22, 8, address),
            "io_uring_setup(8, {flags=IORING_SETUP_CQSIZE, sq_thread_cpu=0, sq_thread_idle=0}) = "
            "-1 EINVAL (Invalid argument)");
  EXPECT_THAT(run("io_uring_setup", 3, 8, address),
              HasSubstr("sq_entries=0, cq_entries=64, features=0, sq_off={head=0,"));
}

TEST_F(Structs, IocbsThroughTheirAddresses) {
  iocb write{};
  write.aio_lio_opcode = IOCB_CMD_PWRITE;
  write.aio_fildes = 3;
  write.aio_buf = memory.put_string("data");
  write.aio_nbytes = 4;
  write.aio_offset = 10;
  const uint64_t list[] = {put(write), kBad};
  EXPECT_EQ(run("io_submit", 1, 1, 2, put(list)),
            "io_submit(0x1, 2, [{aio_data=0, aio_lio_opcode=IOCB_CMD_PWRITE, aio_fildes=3, "
            "aio_buf=\"data\", aio_nbytes=4, aio_offset=10}, 0xdead0000]) = 1");
}

TEST_F(Structs, RulesOfLandlock) {
  landlock_ruleset_attr rules{};
  rules.handled_access_fs = LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_READ_FILE;
  EXPECT_EQ(run("landlock_create_ruleset", 3, put(rules), 8, 0),
            "landlock_create_ruleset({handled_access_fs=LANDLOCK_ACCESS_FS_EXECUTE|"
            "LANDLOCK_ACCESS_FS_READ_FILE}, 8, 0) = 3");
}

TEST_F(Structs, MaskOfASignalFrame) {
  std::array<uint64_t, 40> frame{};
  frame[37] = 1u << (SIGINT - 1);
  EXPECT_EQ(run("rt_sigreturn", 0, put(frame)), "rt_sigreturn({mask=[INT]}) = 0");
  EXPECT_EQ(run("rt_sigreturn", -4, kBad),
            "rt_sigreturn(0xdead0000) = -1 EINTR (Interrupted system call)");
}

TEST_F(Structs, RestartedCall) {
  EXPECT_EQ(run("restart_syscall", 0, SYS_clock_nanosleep),
            "restart_syscall(<... resuming interrupted clock_nanosleep ...>) = 0");
}

TEST_F(Structs, InterfaceRequests) {
  std::array<char, 40> request{'l', 'o'};
  request[16] = 1;
  const uint64_t address = put(request);
  EXPECT_EQ(run("ioctl", 0, 3, 0x8933, address),
            "ioctl(3, SIOCGIFINDEX, {ifr_name=\"lo\", ifr_ifindex=1}) = 0");
  EXPECT_EQ(run("ioctl", -19, 3, 0x8933, address),
            "ioctl(3, SIOCGIFINDEX, {ifr_name=\"lo\"}) = -1 ENODEV (No such device)");
}

TEST_F(Structs, CommandsDecideWhatTheirArgumentsAre) {
  EXPECT_EQ(run("keyctl", 1, 0, static_cast<uint32_t>(-2), 0, 5, 6),
            "keyctl(KEYCTL_GET_KEYRING_ID, KEY_SPEC_PROCESS_KEYRING, 0) = 1");
  EXPECT_EQ(run("fsconfig", 0, 3, 1, memory.put_string("key"), memory.put_string("value"), 0),
            "fsconfig(3, FSCONFIG_SET_STRING, \"key\", \"value\", 0) = 0");
  EXPECT_EQ(run("syslog", 131072, 10, 0, 0), "syslog(10 /* SYSLOG_ACTION_SIZE_BUFFER */) = 131072");
  EXPECT_EQ(run("quotactl", 0, 0x80000700, memory.put_string("/dev/x"), 0, 0),
            "quotactl(QCMD(Q_GETQUOTA, USRQUOTA), \"/dev/x\", 0, NULL) = 0");
  EXPECT_EQ(run("ioprio_set", 0, 1, 0, 2 << 13 | 4),
            "ioprio_set(IOPRIO_WHO_PROCESS, 0, IOPRIO_PRIO_VALUE(IOPRIO_CLASS_BE, 4)) = 0");
  EXPECT_EQ(run("socket", 3, 17, 3, 0x0300), "socket(AF_PACKET, SOCK_RAW, htons(ETH_P_ALL)) = 3");
  EXPECT_EQ(run("io_uring_register", 0, 3, 2, put(std::array<int, 2>{0, 1}), 2),
            "io_uring_register(3, IORING_REGISTER_FILES, [0, 1], 2) = 0");
}

TEST_F(Structs, WhatIsKnownBeforeTheCallIsAPrefix) {
  std::vector<DecodedArg> args;
  const SyscallSpec& spec = syscall_spec(SYS_read);
  const uint64_t words[6] = {3, 0x1000, 10};
  const Call call(memory);
  decode_entry_args(call.context(), {spec.args, spec.arg_count}, words, args);
  EXPECT_EQ(join_known_args(args), "3, ");
  const SyscallSpec& closing = syscall_spec(SYS_close);
  decode_entry_args(call.context(), {closing.args, closing.arg_count}, words, args);
  EXPECT_EQ(join_known_args(args), "3");
}

TEST(StructTables, EveryStructHasFieldsInsideOfIt) {
  for (size_t i = 0; i < static_cast<size_t>(StructId::Count); i++) {
    const StructView& view = struct_view(StructId{static_cast<uint8_t>(i)});
    EXPECT_FALSE(view.fields.empty()) << "struct " << i << " has no rows in structs.def";
    for (const FieldRow& field : view.fields) {
      EXPECT_LE(field.offset + field.size, view.size) << field.name;
    }
  }
}

}  // namespace
}  // namespace wc
