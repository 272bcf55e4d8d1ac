// Attribution, the pure part: which calls of a thread are open and reported, brought in line with
// the scope stack and the ring that the thread keeps in shared memory. No I/O, no kernel.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "decode/decoder.h"
#include "decode/typed_values.h"
#include "protocol/shared.h"

namespace wc {

// A call that has been, or is about to be, reported.
struct OpenCall {
  uint64_t seq = 0;  // the thread's own number of the call
  uint64_t id = 0;   // of the run
  uint64_t parent = 0;
  uint64_t ts = 0;
  uint64_t last_ts = 0;  // of the last that was seen of it
  uint32_t function = 0;
  uint32_t depth = 0;
  uint32_t weight = 1;  // for how many calls it stands
  // Which audiences know of it (see CallAudience).
  bool told_all_calls = false;
  bool told_syscalls_only = false;
  bool is_quiet = false;  // nothing more of it is reported but its end, and nothing of calls in it
  std::vector<uint64_t> words;
  std::vector<DecodedArg> args;                 // as they were at entry
  std::shared_ptr<const TypedArguments> typed;  // in place of words and args
  std::string final_args;  // with what the call wrote; empty when that is not known (yet)
  // Of a thin wrapper: what the syscall of the same name has returned last, and how it is shown;
  // empty: there was none.
  int64_t thin_result = 0;
  std::string thin_text;

  // As new, but for the room that its parts have.
  void reset() {
    told_all_calls = told_syscalls_only = is_quiet = false;
    typed.reset();
    words.clear();
    final_args.clear();
    thin_text.clear();
  }
};

struct EndedCall {
  OpenCall call;
  bool unwound = true;
  uint64_t ret = 0;
  uint64_t tsc = 0;  // of the return; 0 when it was not taken, or unwound without a record
  int32_t error = 0;
};

class CallStack {
 public:
  // The part of `scopes` that is alive when the thread stands at stack pointer `sp`: a scope whose
  // place on the stack is not above it has been left by longjmp, unless it lies above one of
  // `interrupted`: where signal handlers that still run have interrupted the thread. Those stand
  // on an alternate stack, and nothing can be told from `sp` about the one below.
  static std::span<const wc_scope> alive(std::span<const wc_scope> scopes, uint64_t sp,
                                         std::span<const uint64_t> interrupted = {});

  // A record of the thread's ring: ends that call, and everything opened inside it before that.
  // Innermost first. Records of unknown calls are ignored.
  // The list is valid until the next call of this class.
  std::span<EndedCall> apply(const wc_record& record);

  // Ends the calls that are no longer among the open scopes (their returns were never seen).
  std::span<EndedCall> drop_missing(std::span<const wc_scope> scopes);
  std::span<EndedCall> drop_all() { return drop_missing({}); }
  // Ends all but the outermost `depth` calls.
  std::span<EndedCall> leave(size_t depth) { return pop_to(depth); }

  // The scopes behind the known ones: to be opened in this order with push().
  [[nodiscard]] std::span<const wc_scope> unknown(std::span<const wc_scope> scopes) const;
  // A call without anything but room for its parts; the caller fills it in.
  OpenCall& push();

  // A call that is not reported, and what is recorded of it neither: its function was switched off
  // while its record was on the way.
  void leave_out(uint64_t seq);
  [[nodiscard]] bool is_left_out(uint64_t seq) const;

  // A signal handler begins inside the call with this number, which may not be known yet; the
  // youngest one returns. One that is left by longjmp ends with the call that it has interrupted.
  void handler_begins(uint64_t seq);
  void handler_returns();
  // Whether a call that a handler has interrupted is open: what is done there, the handler does.
  [[nodiscard]] bool is_in_handler() const;

  // How many of the known calls are among the open scopes.
  [[nodiscard]] size_t common(std::span<const wc_scope> scopes) const;
  // Position of the call with this number, or how many there are.
  [[nodiscard]] size_t position(uint64_t seq) const;

  std::vector<OpenCall>& calls() { return calls_; }
  [[nodiscard]] const std::vector<OpenCall>& calls() const { return calls_; }

 private:
  std::span<EndedCall> pop_to(size_t size);
  std::vector<OpenCall> calls_;
  std::vector<EndedCall> ended_;
  std::vector<uint64_t> interrupted_;  // numbers of calls
  std::vector<uint64_t> left_out_;     // the same, the youngest ones
};

}  // namespace wc
