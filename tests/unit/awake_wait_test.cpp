// When the tracer waits awake, and when it does not, by a clock of the test's own.
#include "kernel/awake_wait.h"

#include <gmock/gmock.h>

namespace wc {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

struct FakeClock {
  using duration = std::chrono::nanoseconds;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<FakeClock>;
  static constexpr bool is_steady = true;
  static inline time_point time;
  static time_point now() { return time; }
  static void pass(duration some) { time += some; }
};

class AwakeWaitTest : public testing::Test {
 protected:
  static bool never() { return false; }
  // One look takes `each`; the one with this number, from 1, finds something.
  Seen wait(int finds, FakeClock::duration each = microseconds(1)) {
    looks_ = 0;
    return wait_.wait(
        [&]() -> Seen {
          FakeClock::pass(each);
          return ++looks_ == finds ? Seen{42, 0} : Seen{};
        },
        never);
  }
  // The wait was not over yet, and a sleep of `length` has ended it.
  void sleep(FakeClock::duration length) {
    FakeClock::pass(length);
    wait_.has_ended();
  }

  BasicAwakeWait<FakeClock> wait_;
  int looks_ = 0;
};

TEST_F(AwakeWaitTest, ReturnsWhatComesSoon) {
  EXPECT_EQ(wait(1).tid, 42);
  wait_.has_ended();
  EXPECT_EQ(wait(50).tid, 42);
  EXPECT_EQ(looks_, 50);
}

TEST_F(AwakeWaitTest, EndsAfterItsLimit) {
  EXPECT_EQ(wait(0).tid, 0);
  EXPECT_GE(looks_, 90);
  EXPECT_LE(looks_, 110);
}

TEST_F(AwakeWaitTest, ErrorsAreReturned) {
  EXPECT_EQ(wait_.wait([] { return Seen{-ECHILD, 0}; }, never).tid, -ECHILD);
}

TEST_F(AwakeWaitTest, EndsWhenAsked) {
  int asked = 0;
  EXPECT_EQ(wait_.wait([] { return Seen{}; }, [&] { return ++asked == 3; }).tid, 0);
  EXPECT_EQ(asked, 3);
}

TEST_F(AwakeWaitTest, SleepsAtOnceWhereWaitsAreLong) {
  for (int i = 0; i < 4; i++) {
    wait(0);
    sleep(milliseconds(5));
  }
  EXPECT_EQ(wait(1).tid, 0);
  EXPECT_EQ(looks_, 0);
  // One that was short, though asleep, changes that.
  sleep(microseconds(40));
  EXPECT_EQ(wait(1).tid, 42);
}

TEST_F(AwakeWaitTest, SleepsWhereOthersNeedTheProcessor) {
  for (int i = 0; i < 2; i++) wait(1), wait_.has_ended();
  // A yield that has taken as long as this one gave the processor to somebody else.
  EXPECT_EQ(wait(0, milliseconds(3)).tid, 0);
  EXPECT_EQ(looks_, 1);
  sleep(microseconds(10));
  EXPECT_EQ(wait(1).tid, 0);
  EXPECT_EQ(looks_, 0);
  FakeClock::pass(milliseconds(60));
  EXPECT_EQ(wait(1).tid, 42) << "for a while only";
}

TEST_F(AwakeWaitTest, CrowdsAreAvoidedLongerEachTime) {
  int crowds = 0;
  for (int i = 0; i < 1000; i++, FakeClock::pass(milliseconds(10))) {
    wait(0, milliseconds(3));
    crowds += looks_;
    sleep(microseconds(10));
    wait_.restart();
    wait_.has_ended();
  }
  EXPECT_LE(crowds, 20) << "in 10 seconds";
}

}  // namespace
}  // namespace wc
