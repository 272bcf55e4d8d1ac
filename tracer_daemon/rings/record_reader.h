// Records as engine inproc leaves them in a thread's ring (protocol/shared.h): a head, a body,
// pieces of the program's memory. The ring is the program's: what does not fit together ends the
// reading.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>

#include "base/tracee_memory.h"
#include "protocol/shared.h"

namespace wc {

struct RecordView {
  wc_record_type type = WC_RECORD_SKIP;
  bool has_body = false;  // else it is a plain return
  bool has_call = false;  // CALL_SYSCALL
  wc_record head{};
  wc_record_body body{};
  wc_record_call call{};
  std::array<uint64_t, 6> call_args{};
  bool is_left = false;  // longjmp has left it: what it was given may be something else by now
  std::span<const unsigned char> captures;  // in the places that were given to the reader
};

class RecordReader {
 public:
  explicit RecordReader(std::span<const wc_record> places) : places_(places) {}

  // The next record that says something; false at the end, or where the ring makes no sense.
  bool next(RecordView& view);
  [[nodiscard]] bool corrupt() const { return corrupt_; }

 private:
  std::span<const wc_record> places_;
  bool corrupt_ = false;
};

// The tracee's memory as it was when a record was made. What the record does not hold is read
// from the tracee as it is now.
class CapturedMemory final : public TraceeMemory {
 public:
  // Only what the records hold, where the call was left.
  CapturedMemory(const RecordView& view, TraceeMemory& live);
  explicit CapturedMemory(const RecordView& view) { add(view); }  // nothing else is read
  void add(const RecordView& view);
  size_t read(RemoteAddress from, void* to, size_t size) override;
  size_t read_text(RemoteAddress from, char* to, size_t size) override;
  // Of a record with WC_RECORD_STACK: the registers in its last piece but one.
  [[nodiscard]] std::optional<wc_stack_registers> stack_registers() const;

  struct Piece {
    uint64_t address;
    std::span<const unsigned char> bytes;
  };
  [[nodiscard]] std::span<const Piece> pieces() const { return std::span(pieces_).first(count_); }

 private:
  [[nodiscard]] size_t read_pieces(RemoteAddress from, void* to, size_t size) const;
  // Of two records: a call's and its first syscall's. Engine bpf's have more: execve's arguments.
  static constexpr size_t kMost = 48;
  std::array<Piece, kMost> pieces_;
  size_t count_ = 0;
  TraceeMemory* live_ = nullptr;
};

}  // namespace wc
