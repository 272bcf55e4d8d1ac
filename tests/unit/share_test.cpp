// The tracer's view of the shared memory: whatever the traced process writes there, indices and
// counts stay within their bounds, and a well-behaved producer loses nothing.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <cerrno>
#include <chrono>
#include <filesystem>
#include <string>
#include <thread>

#include "share_fixture.h"
#include "temporary_folder.h"

namespace wc {
namespace {

TEST_F(ShareTest, HeaderTellsTheShimTheLayout) {
  make(WC_CONFIG_COUNTS | WC_CONFIG_CALL_TIME);
  const wc_shared_header& header = share_->header();
  EXPECT_EQ(header.magic, WC_SHARED_MAGIC);
  EXPECT_EQ(header.slot_size, wc_slot_size(kFunctions, WC_CONFIG_COUNTS));
  EXPECT_EQ(header.function_count, kFunctions);
  EXPECT_EQ(header.gate, uint32_t{WC_GATE_DISPATCH});
  EXPECT_EQ(header.config, uint32_t{WC_CONFIG_COUNTS | WC_CONFIG_CALL_TIME});
  EXPECT_EQ(ProcessShare::first_size_of(share_->layout()) % header.slot_size,
            WC_HEADER_SIZE % header.slot_size);
}

TEST_F(ShareTest, AFileServesWhereMemfdIsRefused) {
  TemporaryFolder folder;
  auto made = ProcessShare::create({WC_GATE_DISPATCH, 0, kFunctions},
                                   SharedMemory::in_folder(folder.path()));
  ASSERT_TRUE(made.ok()) << made.error().message;
  share_ = std::move(*made);
  EXPECT_TRUE(std::filesystem::is_empty(folder.path())) << "it has a name that others could open";
  struct stat status {};
  ASSERT_EQ(fstat(share_->fd(), &status), 0);
  EXPECT_EQ(static_cast<uint64_t>(status.st_size), ProcessShare::first_size_of(share_->layout()));
  append(share_->slot(3), 1);
  EXPECT_EQ(share_->rings().drain(share_->slot(3)).size(), 1u);
  auto nowhere = SharedMemory::in_folder(folder / "missing").create(1);
  ASSERT_FALSE(nowhere.ok());
  EXPECT_EQ(nowhere.error().code, ENOENT);
}

TEST_F(ShareTest, CountersOfManyFunctionsStayInsideTheirSlot) {
  for (uint32_t functions : {0u, 1u, 2594u, 100'000u}) {
    uint32_t size = wc_slot_size(functions, WC_CONFIG_COUNTS);
    EXPECT_EQ(size % WC_PAGE, 0u);
    EXPECT_GE(size, sizeof(wc_slot) + uint64_t{functions} * sizeof(wc_counter)) << functions;
  }
}

TEST_F(ShareTest, SlotsDoNotOverlapAndLieInTheMemory) {
  auto* first = reinterpret_cast<uint8_t*>(&share_->slot(0));
  auto* second = reinterpret_cast<uint8_t*>(&share_->slot(1));
  auto* last = reinterpret_cast<uint8_t*>(&share_->slot(kLast));
  auto* base = reinterpret_cast<uint8_t*>(&share_->header());
  EXPECT_EQ(first, base + WC_HEADER_SIZE);
  EXPECT_EQ(second - first, share_->header().slot_size);
  EXPECT_EQ(last + share_->header().slot_size,
            base + ProcessShare::first_size_of(share_->layout()));
  EXPECT_TRUE(share_->valid_slot(kLast));
  EXPECT_FALSE(share_->valid_slot(kLast + 1)) << "the process has not mapped it";
  EXPECT_FALSE(share_->valid_slot(~uint64_t{0}));
}

// What a thread writes at each call is in no cache line that another thread or the tracer writes,
// and what all threads read is written by nobody.
TEST_F(ShareTest, NoCacheLineHasTwoWriters) {
  constexpr size_t kLine = 64;
  EXPECT_EQ(wc_slot_size(1, WC_CONFIG_IN_PROCESS) % kLine, 0U);
  EXPECT_EQ(WC_HEADER_SIZE % kLine, 0U);
  EXPECT_LT(offsetof(wc_slot, dropped) / kLine, offsetof(wc_slot, tail) / kLine);
  EXPECT_LT(offsetof(wc_slot, tail) / kLine, offsetof(wc_slot, pending_depth) / kLine);
  constexpr size_t kLastPlan = offsetof(wc_shared_header, own_scopes) - 1;
  EXPECT_LT(kLastPlan / kLine, offsetof(wc_shared_header, busy) / kLine);
}

TEST_F(ShareTest, SlotsStayWhereTheyAreWhenTheProcessRewritesTheHeader) {
  wc_slot* before = &share_->slot(7);
  std::memset(&share_->header(), 0xff, sizeof(wc_shared_header));
  EXPECT_EQ(&share_->slot(7), before);
  EXPECT_EQ(share_->layout().function_count, kFunctions);
  EXPECT_TRUE(share_->scopes(7).empty());
}

// ---- bells

TEST_F(ShareTest, AThreadThatIsToRingFindsItsRingFull) {
  wc_slot& slot = share_->slot(2);
  const auto write = [&slot](uint64_t seq) {
    append(slot, seq);
    slot.reserved = slot.head;
  };
  write(1);
  EXPECT_FALSE(share_->rings().ask_for_bell(slot)) << "there is a record already";
  ASSERT_EQ(share_->rings().drain(slot).size(), 1u);
  for (int again = 0; again < 2; ++again) {
    EXPECT_TRUE(share_->rings().ask_for_bell(slot));
    EXPECT_GT(slot.reserved + 1 - slot.tail, WC_RING_RECORDS) << "no room for one more";
  }
  EXPECT_TRUE(share_->rings().drain(slot).empty()) << "what an answer to the bell does";
  EXPECT_FALSE(share_->rings().found_impossible());
  EXPECT_EQ(slot.tail, slot.head);
  // Written between the thread's look at the ring and the request.
  EXPECT_TRUE(share_->rings().ask_for_bell(slot));
  write(2);
  const auto records = share_->rings().drain(slot);
  ASSERT_EQ(records.size(), 1u);
  EXPECT_EQ(records[0].seq, 2u);
  // The next thread in this slot knows nothing of it.
  EXPECT_TRUE(share_->rings().ask_for_bell(slot));
  share_->free_slot(2);
  EXPECT_TRUE(share_->rings().drain(slot).empty());
  EXPECT_FALSE(share_->rings().found_impossible());
  EXPECT_EQ(slot.tail, slot.head);
}

// ---- ring

TEST_F(ShareTest, DrainTakesEachRecordOnceAndInOrder) {
  wc_slot& slot = share_->slot(0);
  EXPECT_TRUE(share_->rings().drain(share_->slot(0)).empty());
  for (uint64_t seq = 1; seq <= 5; seq++) append(slot, seq);
  auto records = share_->rings().drain(share_->slot(0));
  ASSERT_EQ(records.size(), 5u);
  for (uint64_t i = 0; i < 5; i++) EXPECT_EQ(records[i].seq, i + 1);
  EXPECT_EQ(records[4].ret, 6u);
  EXPECT_TRUE(share_->rings().drain(share_->slot(0)).empty());
}

TEST_F(ShareTest, DrainSurvivesTheWrapOfRingAndOfCounters) {
  wc_slot& slot = share_->slot(0);
  slot.head = slot.tail = 0xffffffff - 60;
  for (uint64_t seq = 0; seq < WC_RING_RECORDS; seq++) append(slot, seq);
  auto records = share_->rings().drain(share_->slot(0));
  ASSERT_EQ(records.size(), WC_RING_RECORDS);
  for (uint64_t i = 0; i < WC_RING_RECORDS; i++) EXPECT_EQ(records[i].seq, i);
  EXPECT_EQ(slot.tail, slot.head);
}

// The shim waits for room: a head that far ahead is not its own.
TEST_F(ShareTest, MoreThanTheRingHoldsIsImpossible) {
  wc_slot& slot = share_->slot(0);
  for (uint64_t seq = 0; seq < WC_RING_RECORDS + 10; seq++) append(slot, seq);
  EXPECT_TRUE(share_->rings().drain(share_->slot(0)).empty());
  EXPECT_TRUE(share_->rings().found_impossible());
  EXPECT_TRUE(share_->rings().drain(share_->slot(0)).empty());
  EXPECT_FALSE(share_->rings().found_impossible()) << "said once";
  append(slot, 77);
  EXPECT_EQ(share_->rings().drain(share_->slot(0)).size(), 1u) << "it is read from there on";
  for (uint64_t seq = 0; seq < WC_RING_RECORDS + 1; seq++) append(slot, seq);
  EXPECT_EQ(share_->rings().discard(share_->slot(0)), 0u);
  EXPECT_TRUE(share_->rings().found_impossible());
}

TEST_F(ShareTest, HostileHeadsAndTailsAreBounded) {
  wc_slot& slot = share_->slot(0);
  for (uint32_t head : {0u, 1u, 127u, 128u, 129u, 0x7fffffffu, 0x80000000u, 0xffffffffu}) {
    for (uint32_t tail : {0u, 1u, 128u, 0x80000000u, 0xffffffffu}) {
      slot.head = head;
      slot.tail = tail;
      const size_t places = head - tail <= WC_RING_RECORDS ? head - tail : 0;
      EXPECT_EQ(share_->rings().drain(share_->slot(0)).size(), places) << head << " " << tail;
      EXPECT_EQ(share_->rings().found_impossible(), places != head - tail) << head << " " << tail;
      EXPECT_TRUE(share_->rings().drain(share_->slot(0)).empty()) << "must not give the same again";
    }
  }
}

TEST_F(ShareTest, HeadThatRunsBackwardsDoesNotStopLaterRecords) {
  wc_slot& slot = share_->slot(0);
  for (uint64_t seq = 0; seq < 20; seq++) append(slot, seq);
  EXPECT_EQ(share_->rings().drain(share_->slot(0)).size(), 20u);
  slot.head = 4;
  EXPECT_TRUE(share_->rings().drain(share_->slot(0)).empty())
      << "what was read already must not come again";
  EXPECT_TRUE(share_->rings().found_impossible());
  append(slot, 77);
  auto records = share_->rings().drain(share_->slot(0));
  ASSERT_EQ(records.size(), 1u);
  EXPECT_EQ(records[0].seq, 77u);
}

TEST_F(ShareTest, SlotsAreDrainedApart) {
  append(share_->slot(1), 11);
  append(share_->slot(kLast), 22);
  EXPECT_TRUE(share_->rings().drain(share_->slot(0)).empty());
  EXPECT_EQ(share_->rings().drain(share_->slot(1))[0].seq, 11u);
  EXPECT_EQ(share_->rings().drain(share_->slot(kLast))[0].seq, 22u);
}

// The producer is another thread with its own mapping, as the traced process has.
TEST_F(ShareTest, SingleProducerLosesAndReordersNothing) {
  constexpr uint64_t kRecords = 300'000;
  constexpr uint32_t kSlot = 2;
  void* map = mmap(nullptr, ProcessShare::first_size_of(share_->layout()), PROT_READ | PROT_WRITE,
                   MAP_SHARED, share_->fd(), 0);
  ASSERT_NE(map, MAP_FAILED);
  auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(40);
  auto late = [deadline] { return std::chrono::steady_clock::now() > deadline; };
  uint32_t slot_size = share_->header().slot_size;
  std::thread producer([&] {
    auto* base = static_cast<uint8_t*>(map) + WC_HEADER_SIZE + uint64_t{kSlot} * slot_size;
    auto& slot = *reinterpret_cast<wc_slot*>(base);
    for (uint64_t seq = 1; seq <= kRecords; seq++) {
      while (slot.head - __atomic_load_n(&slot.tail, __ATOMIC_ACQUIRE) >= WC_RING_RECORDS) {
        if (late()) return;
        std::this_thread::yield();
      }
      append(slot, seq);
    }
  });
  uint64_t next = 1, wrong = 0;
  while (next <= kRecords && wrong == 0 && !late()) {
    for (const wc_record& record : share_->rings().drain(share_->slot(kSlot))) {
      if (record.seq != next || record.ret != next + 1 || record.tsc != next + 2) wrong = next;
      next++;
    }
  }
  if (wrong != 0) share_->slot(kSlot).tail = share_->slot(kSlot).head;
  while (next <= kRecords && !late()) next += share_->rings().drain(share_->slot(kSlot)).size();
  producer.join();
  munmap(map, ProcessShare::first_size_of(share_->layout()));
  EXPECT_EQ(wrong, 0u);
  EXPECT_EQ(next, kRecords + 1);
}

// ---- freeing slots

TEST_F(ShareTest, FreedSlotIsCleanAndKeepsItsAnswerCounter) {
  wc_slot& slot = share_->slot(4);
  std::memset(static_cast<void*>(&slot), 0xa5, sizeof slot);
  slot.ack = 41;
  share_->free_slot(4);
  EXPECT_EQ(slot.ack, 41u) << "the next owner counts its bells from here";
  EXPECT_EQ(slot.index | slot.depth | slot.head | slot.tail | slot.bell, 0u);
  EXPECT_EQ(slot.next_seq | slot.selector | slot.scopes[0].seq, 0u);
  EXPECT_EQ(wc_slot_ring(&slot)[WC_RING_RECORDS - 1].seq, 0u);
}

TEST_F(ShareTest, TotalsKeepTheCountersOfFreedSlots) {
  make(WC_CONFIG_COUNTS);
  uint32_t last = 0;
  while (auto slot = share_->take_slot()) last = *slot;
  ASSERT_GT(last, 5u);
  for (uint32_t slot : {0u, 5u, last}) {
    counter(slot, 0) = {10, 100};
    counter(slot, 2) = {1, 7};
  }
  EXPECT_EQ(share_->total(0).calls, 30u);
  share_->free_slot(5);
  EXPECT_EQ(share_->counter(5, 0).calls, 0u);
  EXPECT_EQ(share_->total(0).calls, 30u);
  EXPECT_EQ(share_->total(0).ticks, 300u);
  EXPECT_EQ(share_->total(1).calls, 0u);
  EXPECT_EQ(share_->total(2).ticks, 21u);
  ASSERT_EQ(share_->take_slot(), 5u);
  counter(5, 0) = {2, 3};
  share_->free_slot(5);
  EXPECT_EQ(share_->total(0).calls, 32u);
}

// Reading a page that nobody has written allocates it: the totals of a process with a thread or two
// must not fetch the pages of all slots.
TEST_F(ShareTest, TotalsLeaveSlotsAloneThatNoThreadEverHad) {
  make(WC_CONFIG_COUNTS);
  auto allocated = [&] {
    struct stat status {};
    EXPECT_EQ(fstat(share_->fd(), &status), 0);
    return status.st_blocks;
  };
  ASSERT_EQ(share_->take_slot(), 0u);
  counter(0, 0) = {5, 50};
  for (uint32_t function = 0; function < kFunctions; function++) (void)share_->counter(0, function);
  const auto before = allocated();
  for (uint32_t function = 0; function < kFunctions; function++) (void)share_->total(function);
  EXPECT_EQ(share_->total(0).calls, 5u);
  EXPECT_EQ(allocated(), before);
  constexpr blkcnt_t kBlocksOfAPage = WC_PAGE / 512;
  EXPECT_LT(before, blkcnt_t{kLast} * kBlocksOfAPage) << "far fewer pages than slots";
}

TEST_F(ShareTest, CountersOutOfBoundsOrNotKeptAreZero) {
  EXPECT_EQ(share_->counter(0, 0).calls, 0u);
  EXPECT_EQ(share_->total(0).calls, 0u);
  make(WC_CONFIG_COUNTS);
  EXPECT_EQ(share_->counter(0, kFunctions).calls, 0u);
  EXPECT_EQ(share_->counter(0, 0xffffffff).calls, 0u);
}

TEST_F(ShareTest, InflightSyscallsStayInTheirArray) {
  wc_slot& slot = share_->slot(0);
  slot.inflight_next = 0xfffffffe;
  for (uint64_t i = 1; i <= 6; i++) share_->view(0).note_inflight(i, {0x1000 + i});
  EXPECT_EQ(slot.inflight_next, 4u);
  for (const wc_inflight& one : slot.inflight) EXPECT_EQ(one.ip, 0x1000 + one.sp);
  EXPECT_EQ(slot.landing_done, 0u);
}

// ---- more slots

TEST_F(ShareTest, MapsLittleAtFirst) {
  for (uint32_t config : {0u, uint32_t{WC_CONFIG_COUNTS}, uint32_t{WC_CONFIG_IN_PROCESS},
                          uint32_t{WC_CONFIG_IN_PROCESS | WC_CONFIG_COUNTS}}) {
    auto share = ProcessShare::create({WC_GATE_DISPATCH, config, 2600});
    ASSERT_TRUE(share.ok());
    EXPECT_LE(ProcessShare::first_size_of((*share)->layout()), 1u << 20) << config;
  }
}

TEST_F(ShareTest, GrowsPieceByPieceUpToAllSlots) {
  share_->header().address = 0x10000;
  share_->note_first_mapped();
  uint32_t taken = 0;
  uint64_t next = 0x7000'0000;
  for (;; next += 0x1000'0000) {
    while (share_->take_slot()) taken++;
    auto growth = share_->plan_growth();
    if (!growth) break;
    share_->note_grown(*growth, next);
    EXPECT_EQ(share_->address_of(taken), next + WC_PAGE);
    share_->slot(taken).depth = 1;  // the file is long enough
  }
  EXPECT_EQ(taken, WC_SLOTS);
  EXPECT_EQ(share_->address_of(0), 0x10000u + WC_HEADER_SIZE);
  EXPECT_EQ(share_->segment_at(0x10000)->offset, 0u);
  EXPECT_EQ(share_->segment_at(0x7000'0000 + WC_PAGE)->offset,
            ProcessShare::first_size_of(share_->layout()));
  EXPECT_EQ(share_->segment_at(0x7000'0000), nullptr) << "that page is mapped twice";
}

TEST_F(ShareTest, FileThatIsNoMemoryIsRefused) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  ScopedFd reader(ends[0]), writer(ends[1]);
  EXPECT_FALSE(ProcessShare::adopt(ScopedFd(dup(writer.get())), {WC_GATE_TRAP, 0, 1}).ok());
  ScopedFd null(open("/dev/null", O_RDWR | O_CLOEXEC));
  EXPECT_FALSE(ProcessShare::adopt(std::move(null), {WC_GATE_TRAP, 0, 1}).ok());
  ScopedFd sealed(memfd_create("sealed", MFD_ALLOW_SEALING | MFD_CLOEXEC));
  ASSERT_EQ(fcntl(sealed.get(), F_ADD_SEALS, F_SEAL_SEAL), 0);
  EXPECT_FALSE(ProcessShare::adopt(std::move(sealed), {WC_GATE_TRAP, 0, 1}).ok());
}

// ---- the descriptor that the process is given

TEST_F(ShareTest, ProcessCannotResizeTheMemoryUnderTheTracer) {
  std::string path = "/proc/self/fd/" + std::to_string(share_->fd());
  ScopedFd again(open(path.c_str(), O_RDWR | O_CLOEXEC));
  ASSERT_TRUE(again.valid());
  auto size = static_cast<off_t>(ProcessShare::first_size_of(share_->layout()));
  for (int fd : {share_->fd(), again.get()}) {
    for (off_t to : {off_t{0}, size - WC_PAGE}) {
      EXPECT_EQ(ftruncate(fd, to), -1) << to;
      EXPECT_EQ(errno, EPERM);
    }
    EXPECT_EQ(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), -1);
  }
  struct stat status {};
  ASSERT_EQ(fstat(share_->fd(), &status), 0);
  EXPECT_EQ(status.st_size, size);
  EXPECT_NE(fcntl(share_->fd(), F_GETFD) & FD_CLOEXEC, 0);
}

TEST_F(ShareTest, HolesPunchedByTheProcessReadAsNothing) {
  share_->slot(0).depth = 5;
  append(share_->slot(0), 1);
  ASSERT_EQ(fallocate(share_->fd(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0,
                      static_cast<off_t>(ProcessShare::first_size_of(share_->layout()))),
            0);
  EXPECT_TRUE(share_->scopes(0).empty());
  EXPECT_TRUE(share_->rings().drain(share_->slot(0)).empty());
  share_->free_slot(0);
}

}  // namespace
}  // namespace wc
