// How numbers, times and texts stand on a tape (docs/raw-format.md). What a piece of the tape holds
// is said once, by a template over `TapeWriter` and `TapeReader` (tape_ops.h), so that writer and
// reader cannot differ.
//
// A tape may come from anywhere: a reader never goes behind its end, and allocates no more than
// there are bytes. After the first thing that makes no sense it is bad and reads zeroes.
#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace wc {

inline constexpr size_t kMostWords = 32;  // of one group

// What numbers are written as the difference to; the same on both sides, and anew in each chunk.
struct TapeContext {
  static constexpr size_t kGroups = 8192;
  // Where no group is needed.
  static constexpr size_t kFewGroups = 1;
  explicit TapeContext(size_t groups = kGroups) : groups_(groups) {}

  std::array<uint64_t, kMostWords>& group(uint32_t key) {
    auto& one = groups_[key % groups_.size()];
    if (one == nullptr) one = std::make_unique<Group>();
    if (one->generation != generation_) *one = {generation_, {}};
    return one->last;
  }
  void restart() {
    generation_++;
    recent_.fill({});
    next_recent_ = 0;
    time = address = 0;
    pid = tid = 0;
  }

  uint64_t time = 0, address = 0;
  int32_t pid = 0, tid = 0;

  // The pieces of memory that were read last: a call and its syscall read the same.
  struct Piece {
    uint64_t address = 0;
    std::string bytes;
  };
  static constexpr size_t kRecent = 8, kLongestRecent = 512;
  void remember(uint64_t from, std::string_view bytes) {
    if (bytes.size() > kLongestRecent) return;
    Piece& piece = recent_[next_recent_++ % kRecent];
    piece.address = from;
    piece.bytes = bytes;
  }
  [[nodiscard]] const std::array<Piece, kRecent>& recent() const { return recent_; }

 private:
  struct Group {
    uint64_t generation = 0;
    std::array<uint64_t, kMostWords> last{};
  };
  std::vector<std::unique_ptr<Group>> groups_;
  uint64_t generation_ = 1;
  std::array<Piece, kRecent> recent_;
  size_t next_recent_ = 0;
};

constexpr uint64_t zigzag(uint64_t difference) {
  const bool is_negative = difference >> 63 != 0;
  return (difference << 1) ^ (is_negative ? ~uint64_t{0} : 0);
}
constexpr uint64_t unzigzag(uint64_t code) { return (code >> 1) ^ (~(code & 1) + 1); }

class TapeWriter {
 public:
  static constexpr bool kReads = false;
  TapeWriter(std::string& out, TapeContext& context) : out_(out), context_(context) {}

  template <typename Number>
  void number(Number& value) {
    put(static_cast<uint64_t>(value));
  }
  template <typename Number>
  void difference(Number& value) {  // small in either direction
    put(zigzag(static_cast<uint64_t>(static_cast<int64_t>(value))));
  }
  void time(uint64_t& value) {
    put(zigzag(value - context_.time));
    context_.time = value;
  }
  void address(uint64_t& value) {
    put(zigzag(value - context_.address));
    context_.address = value;
  }
  void text(std::string& value) { text_view(value); }
  void text_view(std::string_view value) {
    put(value.size());
    out_ += value;
  }
  // A bit each for those that differ from the ones before, then the differences.
  void words(uint32_t group, std::initializer_list<uint64_t*> list) {
    auto& last = context_.group(group);
    uint64_t changed = 0;
    size_t i = 0;
    for (const uint64_t* word : list) changed |= uint64_t{*word != last[i]} << i, i++;
    put(changed);
    i = 0;
    for (const uint64_t* word : list) {
      if (*word != last[i]) put(zigzag(*word - last[i]));
      last[i++] = *word;
    }
  }
  template <typename Item, typename Each>
  void list(std::vector<Item>& items, Each each) {
    put(items.size());
    for (Item& item : items) each(item);
  }
  TapeContext& context() { return context_; }
  [[nodiscard]] bool bad() const { return false; }

 private:
  void put(uint64_t value) {
    char bytes[10];
    size_t size = 0;
    for (; value >= 0x80; value >>= 7) bytes[size++] = static_cast<char>(value | 0x80);
    bytes[size++] = static_cast<char>(value);
    out_.append(bytes, size);
  }

  std::string& out_;
  TapeContext& context_;
};

class TapeReader {
 public:
  static constexpr bool kReads = true;
  TapeReader(std::string_view bytes, TapeContext& context) : bytes_(bytes), context_(context) {}

  template <typename Number>
  void number(Number& value) {
    const uint64_t read = get();
    if constexpr (std::is_enum_v<Number> || std::is_same_v<Number, bool>)
      value = static_cast<Number>(read & 0xff);
    else
      value = static_cast<Number>(read);
  }
  void byte(uint8_t& value) {
    if (bytes_.empty()) bad_ = true;
    value = bad_ ? 0 : static_cast<uint8_t>(bytes_.front());
    if (!bad_) bytes_.remove_prefix(1);
  }
  template <typename Number>
  void difference(Number& value) {
    value = static_cast<Number>(unzigzag(get()));
  }
  void time(uint64_t& value) { value = context_.time += unzigzag(get()); }
  void address(uint64_t& value) { value = context_.address += unzigzag(get()); }
  void text(std::string& value) { value = text_view(); }
  std::string_view text_view() {
    const uint64_t size = get();
    if (size > bytes_.size()) bad_ = true;
    if (bad_) return {};
    const std::string_view text = bytes_.substr(0, size);
    bytes_.remove_prefix(size);
    return text;
  }
  void words(uint32_t group, std::initializer_list<uint64_t*> list) {
    auto& last = context_.group(group);
    const uint64_t changed = get();
    if (changed >> list.size() != 0) bad_ = true;
    size_t i = 0;
    for (uint64_t* word : list) {
      if (changed >> i & 1) last[i] += unzigzag(get());
      *word = last[i++];
    }
  }
  template <typename Item, typename Each>
  void list(std::vector<Item>& items, Each each) {
    const uint64_t count = get();
    if (count > bytes_.size()) bad_ = true;  // each takes a byte at least
    items.clear();
    for (uint64_t i = 0; i < count && !bad_; i++) {
      if constexpr (std::is_invocable_v<Each, Item&, uint64_t>)
        each(items.emplace_back(), count);
      else
        each(items.emplace_back());
    }
  }
  TapeContext& context() { return context_; }
  [[nodiscard]] bool bad() const { return bad_; }
  [[nodiscard]] bool at_end() const { return bytes_.empty() || bad_; }
  [[nodiscard]] std::string_view rest() const { return bytes_; }

 private:
  uint64_t get() {
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 64 && !bytes_.empty(); shift += 7) {
      const auto byte = static_cast<unsigned char>(bytes_.front());
      bytes_.remove_prefix(1);
      value |= uint64_t{byte & 0x7fu} << shift;
      if (byte < 0x80) return value;
    }
    bad_ = true;
    bytes_ = {};
    return 0;
  }

  std::string_view bytes_;
  TapeContext& context_;
  bool bad_ = false;
};

}  // namespace wc
