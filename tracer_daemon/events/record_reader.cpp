#include "events/record_reader.h"

#include <algorithm>
#include <cstring>

namespace wc {

bool RecordReader::next(RecordView& view) {
  while (!places_.empty()) {
    const wc_record& head = places_.front();
    size_t count = std::max<size_t>(head.type >> 16, 1);
    auto type = static_cast<wc_record_type>(head.type & WC_RECORD_TYPES);
    if (count > places_.size() || type < WC_RECORD_RETURN || type > WC_RECORD_CALL_SYSCALL) {
      corrupt_ = true;
      return false;
    }
    auto all = places_.first(count);
    places_ = places_.subspan(count);
    if (type == WC_RECORD_SKIP) continue;
    bool has_call = type == WC_RECORD_CALL_SYSCALL;
    bool has_body = has_call || type == WC_RECORD_CALL || type == WC_RECORD_SYSCALL ||
                    (head.type & WC_RECORD_CAPTURES) != 0;
    bool same_args = (head.type & WC_RECORD_SAME_ARGS) != 0;
    view = {type, &head, nullptr, nullptr, nullptr, {}};
    if (!has_body || (type == WC_RECORD_RETURN && count == 1)) return true;
    auto bytes = std::span(reinterpret_cast<const unsigned char*>(all.data()), all.size_bytes());
    constexpr size_t kBody = sizeof(wc_record) + sizeof(wc_record_body);
    constexpr size_t kCall = kBody + sizeof(wc_record_call);
    const size_t front = !has_call   ? kBody
                         : same_args ? kCall
                                     : kCall + sizeof(wc_record_body::args);
    if (bytes.size() < front) {
      corrupt_ = true;
      return false;
    }
    view.body = reinterpret_cast<const wc_record_body*>(bytes.data() + sizeof(wc_record));
    if (has_call) {
      view.call = reinterpret_cast<const wc_record_call*>(bytes.data() + kBody);
      view.call_args =
          same_args ? view.body->args : reinterpret_cast<const uint64_t*>(bytes.data() + kCall);
    }
    view.captures = bytes.subspan(front);
    return true;
  }
  return false;
}

CapturedMemory::CapturedMemory(const RecordView& view, TraceeMemory& live) : live_(live) {
  add(view);
}

void CapturedMemory::add(const RecordView& view) {
  auto bytes = view.captures;
  uint32_t count = view.body != nullptr ? view.body->captures : 0;
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

size_t CapturedMemory::read(RemoteAddress from, void* to, size_t size) {
  for (const Piece& piece : std::span(pieces_).first(count_)) {
    uint64_t offset = from.value - piece.address;
    if (offset >= piece.bytes.size()) continue;
    size_t n = std::min(size, piece.bytes.size() - static_cast<size_t>(offset));
    std::memcpy(to, piece.bytes.data() + offset, n);
    return n;
  }
  return live_.read(from, to, size);
}

}  // namespace wc
