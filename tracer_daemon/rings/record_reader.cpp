#include "rings/record_reader.h"

#include <algorithm>
#include <cstring>

namespace wc {

namespace {

using Bytes = std::span<const unsigned char>;

// Takes a struct from the front of `bytes`; false where they are too few. Copied, for what stands
// in the ring are records, whatever was written over them.
template <typename T>
bool take(Bytes& bytes, T& value) {
  if (bytes.size() < sizeof value) return false;
  std::memcpy(&value, bytes.data(), sizeof value);
  bytes = bytes.subspan(sizeof value);
  return true;
}

// What stands behind the head.
bool take_body(Bytes bytes, RecordView& view) {
  view.has_body = true;
  if (!take(bytes, view.body)) return false;
  if (view.type == WC_RECORD_CALL_SYSCALL) {
    view.has_call = true;
    if (!take(bytes, view.call)) return false;
    if (view.head.type & WC_RECORD_SAME_ARGS)
      std::copy_n(view.body.args, view.call_args.size(), view.call_args.begin());
    else if (!take(bytes, view.call_args))
      return false;
  }
  view.captures = bytes;
  return true;
}

bool has_body(const wc_record& head, wc_record_type type, size_t places) {
  switch (type) {
    case WC_RECORD_CALL:
    case WC_RECORD_SYSCALL:
    case WC_RECORD_CALL_SYSCALL:
      return true;
    default:
      return (head.type & WC_RECORD_CAPTURES) != 0 && (type != WC_RECORD_RETURN || places > 1);
  }
}

}  // namespace

bool RecordReader::next(RecordView& view) {
  while (!places_.empty()) {
    const wc_record& head = places_.front();
    const size_t count = std::max<size_t>(head.type >> 16, 1);
    const auto type = static_cast<wc_record_type>(head.type & WC_RECORD_TYPES);
    if (count > places_.size() || type < WC_RECORD_RETURN || type > WC_RECORD_CALL_SYSCALL) {
      corrupt_ = true;
      return false;
    }
    const auto all = places_.first(count);
    places_ = places_.subspan(count);
    if (type == WC_RECORD_SKIP) continue;
    view = {};
    view.type = type;
    view.head = head;
    if (!has_body(head, type, count)) return true;
    const auto bytes = std::as_bytes(all.subspan(1));
    corrupt_ =
        !take_body({reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size()}, view);
    return !corrupt_;
  }
  return false;
}

CapturedMemory::CapturedMemory(const RecordView& view, TraceeMemory& live)
    : live_(view.is_left ? nullptr : &live) {
  add(view);
}

void CapturedMemory::add(const RecordView& view) {
  auto bytes = view.captures;
  uint32_t count = view.has_body ? view.body.captures : 0;
  for (uint32_t i = 0; i < count && count_ < kMost && bytes.size() >= sizeof(wc_captured); i++) {
    wc_captured one{};
    std::memcpy(&one, bytes.data(), sizeof one);
    bytes = bytes.subspan(sizeof one);
    if (one.room > bytes.size() || one.size > one.room) break;
    pieces_[count_++] = {one.address, bytes.first(one.size)};
    bytes = bytes.subspan(one.room);
  }
}

std::optional<wc_stack_registers> CapturedMemory::stack_registers() const {
  wc_stack_registers registers{};
  if (count_ < WC_STACK_PIECES) return std::nullopt;
  auto bytes = pieces_[count_ - WC_STACK_PIECES].bytes;
  if (bytes.size() != sizeof registers) return std::nullopt;
  std::memcpy(&registers, bytes.data(), sizeof registers);
  return registers;
}

size_t CapturedMemory::read_pieces(RemoteAddress from, void* to, size_t size) const {
  Bytes most;  // pieces may overlap
  for (const Piece& piece : std::span(pieces_).first(count_)) {
    const uint64_t offset = from.value - piece.address;
    if (offset < piece.bytes.size() && piece.bytes.size() - offset > most.size())
      most = piece.bytes.subspan(offset);
  }
  const size_t n = std::min(size, most.size());
  if (n != 0) std::memcpy(to, most.data(), n);
  return n;
}

size_t CapturedMemory::read(RemoteAddress from, void* to, size_t size) {
  const size_t got = read_pieces(from, to, size);
  return got != 0 || live_ == nullptr ? got : live_->read(from, to, size);
}

size_t CapturedMemory::read_text(RemoteAddress from, char* to, size_t size) {
  const size_t got = read_pieces(from, to, size);
  return got != 0 || live_ == nullptr ? got : live_->read_text(from, to, size);
}

}  // namespace wc
