// Attribution without a kernel: scope stacks and records in, ended calls out.
#include "events/call_stack.h"

#include <gmock/gmock.h>

namespace wc {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

// A thread as the shim keeps it: each call gets a number and a place lower on the stack.
class Thread {
 public:
  uint64_t enter() {
    scopes_.push_back(scope(++seq_, 0x8000 - 0x100 * scopes_.size()));
    return seq_;
  }
  void leave() { scopes_.pop_back(); }
  [[nodiscard]] const std::vector<wc_scope>& scopes() const { return scopes_; }
  static wc_scope scope(uint64_t seq, uint64_t sp) {
    wc_scope s{};
    s.seq = seq;
    s.sp = sp;
    return s;
  }

 private:
  std::vector<wc_scope> scopes_;
  uint64_t seq_ = 0;
};

wc_record returned(uint64_t seq, uint64_t ret = 0) {
  return {seq, ret, seq + 1000, WC_RECORD_RETURN, 0};
}
wc_record unwound(uint64_t seq) { return {seq, 99, seq + 1000, WC_RECORD_UNWOUND, 0}; }

class CallStackTest : public testing::Test {
 protected:
  // What the pipeline does at a stop.
  void open() {
    for (const wc_scope& scope : stack_.unknown(thread_.scopes())) {
      OpenCall call;
      call.seq = scope.seq;
      stack_.push() = call;
    }
  }
  [[nodiscard]] std::vector<uint64_t> known() const {
    std::vector<uint64_t> seqs;
    for (const OpenCall& call : stack_.calls()) seqs.push_back(call.seq);
    return seqs;
  }
  static std::vector<uint64_t> seqs(std::span<const EndedCall> ended) {
    std::vector<uint64_t> result;
    for (const EndedCall& end : ended) result.push_back(end.call.seq);
    return result;
  }

  Thread thread_;
  CallStack stack_;
};

TEST_F(CallStackTest, NestedCallsAreOpenedOutermostFirst) {
  for (int i = 0; i < 3; i++) thread_.enter();
  open();
  EXPECT_THAT(known(), ElementsAre(1, 2, 3));
  EXPECT_THAT(stack_.unknown(thread_.scopes()), IsEmpty()) << "each call is opened once";
}

TEST_F(CallStackTest, ReturnEndsItsCallWithItsValues) {
  thread_.enter();
  open();
  auto ended = stack_.apply({1, 42, 7, WC_RECORD_RETURN, 2});
  ASSERT_EQ(ended.size(), 1u);
  EXPECT_FALSE(ended[0].unwound);
  EXPECT_EQ(ended[0].ret, 42u);
  EXPECT_EQ(ended[0].tsc, 7u);
  EXPECT_EQ(ended[0].error, 2);
  EXPECT_THAT(known(), IsEmpty());
}

TEST_F(CallStackTest, OnlyTheInnermostOfNestedCallsEnds) {
  for (int i = 0; i < 3; i++) thread_.enter();
  open();
  EXPECT_THAT(seqs(stack_.apply(returned(3))), ElementsAre(3));
  EXPECT_THAT(known(), ElementsAre(1, 2));
}

TEST_F(CallStackTest, RecursionKeepsCallsOfOneFunctionApart) {
  for (int i = 0; i < 4; i++) thread_.enter();
  open();
  for (OpenCall& call : stack_.calls()) call.function = 5;
  for (uint64_t seq = 4; seq >= 1; seq--) {
    auto ended = stack_.apply(returned(seq, seq * 10));
    ASSERT_EQ(ended.size(), 1u);
    EXPECT_EQ(ended[0].ret, seq * 10);
  }
}

TEST_F(CallStackTest, SiblingAfterAReturnIsANewCall) {
  thread_.enter();
  thread_.enter();
  open();
  thread_.leave();
  EXPECT_THAT(seqs(stack_.apply(returned(2))), ElementsAre(2));
  thread_.enter();
  open();
  EXPECT_THAT(known(), ElementsAre(1, 3));
}

TEST_F(CallStackTest, OuterReturnEndsInnerCallsFirstAndWithoutAValue) {
  for (int i = 0; i < 3; i++) thread_.enter();
  open();
  auto ended = stack_.apply(returned(1, 5));
  EXPECT_THAT(seqs(ended), ElementsAre(3, 2, 1));
  EXPECT_TRUE(ended[0].unwound);
  EXPECT_TRUE(ended[1].unwound);
  EXPECT_EQ(ended[0].tsc, 0u) << "nobody saw when it was left";
  EXPECT_FALSE(ended[2].unwound);
  EXPECT_EQ(ended[2].ret, 5u);
}

TEST_F(CallStackTest, UnwoundRecordGivesATimeButNoValue) {
  thread_.enter();
  open();
  auto ended = stack_.apply(unwound(1));
  ASSERT_EQ(ended.size(), 1u);
  EXPECT_TRUE(ended[0].unwound);
  EXPECT_EQ(ended[0].ret, 0u);
  EXPECT_EQ(ended[0].tsc, 1001u);
}

TEST_F(CallStackTest, RecordsInTheOrderOfTheRingEndALongjmp) {
  for (int i = 0; i < 3; i++) thread_.enter();
  open();
  EXPECT_THAT(seqs(stack_.apply(unwound(3))), ElementsAre(3));
  EXPECT_THAT(seqs(stack_.apply(unwound(2))), ElementsAre(2));
  EXPECT_THAT(seqs(stack_.apply(returned(1))), ElementsAre(1));
}

TEST_F(CallStackTest, RecordsOfUnknownCallsChangeNothing) {
  thread_.enter();
  open();
  EXPECT_THAT(stack_.apply(returned(0)), IsEmpty());
  EXPECT_THAT(stack_.apply(returned(2)), IsEmpty());
  EXPECT_THAT(stack_.apply(returned(~uint64_t{0})), IsEmpty());
  EXPECT_THAT(known(), ElementsAre(1));
  EXPECT_THAT(seqs(stack_.apply(returned(1))), ElementsAre(1));
  EXPECT_THAT(stack_.apply(returned(1)), IsEmpty()) << "a second return of the same call";
}

TEST_F(CallStackTest, UnknownRecordTypeEndsTheCallWithoutAValue) {
  thread_.enter();
  open();
  auto ended = stack_.apply({1, 42, 7, 0xdead, 0});
  ASSERT_EQ(ended.size(), 1u);
  EXPECT_TRUE(ended[0].unwound);
}

TEST_F(CallStackTest, CallsMissingFromTheScopesAreDroppedInnermostFirst) {
  for (int i = 0; i < 4; i++) thread_.enter();
  open();
  thread_.leave();
  thread_.leave();
  auto ended = stack_.drop_missing(thread_.scopes());
  EXPECT_THAT(seqs(ended), ElementsAre(4, 3));
  EXPECT_TRUE(ended[0].unwound);
  EXPECT_THAT(known(), ElementsAre(1, 2));
}

TEST_F(CallStackTest, AnotherCallInTheSamePlaceIsNotTheKnownOne) {
  thread_.enter();
  thread_.enter();
  open();
  thread_.leave();
  thread_.enter();
  EXPECT_THAT(seqs(stack_.drop_missing(thread_.scopes())), ElementsAre(2));
  ASSERT_EQ(stack_.unknown(thread_.scopes()).size(), 1u);
  EXPECT_EQ(stack_.unknown(thread_.scopes())[0].seq, 3u);
}

TEST_F(CallStackTest, OuterCallThatWasReplacedTakesTheInnerOnesWithIt) {
  thread_.enter();
  thread_.enter();
  open();
  std::vector<wc_scope> other = {Thread::scope(9, 0x8000), thread_.scopes()[1]};
  EXPECT_THAT(seqs(stack_.drop_missing(other)), ElementsAre(2, 1));
  EXPECT_EQ(stack_.unknown(other).size(), 2u);
}

TEST_F(CallStackTest, DropAllEndsEverythingOnce) {
  for (int i = 0; i < 3; i++) thread_.enter();
  open();
  EXPECT_THAT(seqs(stack_.drop_all()), ElementsAre(3, 2, 1));
  EXPECT_THAT(stack_.drop_all(), IsEmpty());
}

// The rings are looked at late: what a handler has done must be known for its own then, too.
TEST_F(CallStackTest, HandlersBelongToTheCallThatTheyHaveInterrupted) {
  const uint64_t outer = thread_.enter();
  stack_.handler_begins(outer);
  EXPECT_FALSE(stack_.is_in_handler()) << "nothing is known of that call yet";
  open();
  EXPECT_TRUE(stack_.is_in_handler());
  thread_.enter();
  open();
  EXPECT_TRUE(stack_.is_in_handler());
  stack_.handler_returns();
  EXPECT_FALSE(stack_.is_in_handler());

  stack_.handler_begins(outer);
  stack_.apply(unwound(outer));
  EXPECT_FALSE(stack_.is_in_handler()) << "left by longjmp, and so was the call";
  stack_.handler_returns();  // of nobody
}

TEST_F(CallStackTest, AliveAreTheScopesAboveTheStackPointer) {
  for (int i = 0; i < 3; i++) thread_.enter();  // at 0x8000, 0x7f00, 0x7e00
  auto alive = [&](uint64_t sp) { return CallStack::alive(thread_.scopes(), sp).size(); };
  EXPECT_EQ(alive(0x7000), 3u);
  EXPECT_EQ(alive(0x7dff), 3u);
  EXPECT_EQ(alive(0x7e00), 2u) << "its return address has been popped";
  EXPECT_EQ(alive(0x7eff), 2u);
  EXPECT_EQ(alive(0x7f00), 1u);
  EXPECT_EQ(alive(0x8000), 0u);
  EXPECT_EQ(alive(~uint64_t{0}), 0u);
  const std::vector<uint64_t> interrupted = {0x7d00};
  EXPECT_EQ(CallStack::alive(thread_.scopes(), 0x9000, interrupted).size(), 3u)
      << "a handler runs on an alternate stack";
}

TEST_F(CallStackTest, AliveKeepsOuterScopesOnAnotherStack) {
  // A handler on an alternate stack that lies above the program's.
  std::vector<wc_scope> scopes = {Thread::scope(1, 0x8000), Thread::scope(2, 0x20000)};
  EXPECT_EQ(CallStack::alive(scopes, 0x1ff00).size(), 2u);
  EXPECT_THAT(CallStack::alive({}, 0), IsEmpty());
}

}  // namespace
}  // namespace wc
