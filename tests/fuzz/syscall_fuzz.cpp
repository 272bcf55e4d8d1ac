// System calls with any number and any words, whose memory is what the input says: every decoder,
// every ioctl request that has a name. A decoder must end, stay inside of what it was given, and
// read little.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "decode/decoder.h"

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

// Small pieces of the input, one a page, so that structures end at unreadable addresses.
class InputMemory final : public wc::TraceeMemory {
 public:
  static constexpr uint64_t kFirst = 0x10000, kPage = 4096;
  static constexpr size_t kPieces = 8;

  InputMemory(const uint8_t* data, size_t size) : data_(data), size_(size) {}

  size_t read(wc::RemoteAddress from, void* to, size_t size) override {
    require(size <= kTooMuch && ++reads_ <= kTooOften);
    const uint64_t piece = (from.value - kFirst) / kPage;
    if (from.value < kFirst || piece >= kPieces) return 0;
    const uint64_t offset = from.value % kPage;
    const size_t length = std::min<size_t>(size_, kPage);
    // The last bytes before the next page: what starts at the page's begin is not there.
    const uint64_t begin = piece % 2 == 0 ? 0 : kPage - length;
    if (offset < begin || offset >= begin + length) return 0;
    const size_t got = std::min<size_t>(size, begin + length - offset);
    for (size_t i = 0; i < got; i++)
      static_cast<uint8_t*>(to)[i] = data_[(offset - begin + i + piece * 7) % size_];
    return got;
  }

 private:
  static constexpr size_t kTooMuch = 1 << 20;
  static constexpr uint64_t kTooOften = 1 << 22;
  const uint8_t* data_;
  size_t size_;
  uint64_t reads_ = 0;
};

struct Input {
  const uint8_t* data;
  size_t size;
  template <typename T>
  T take() {
    T value{};
    const size_t n = std::min(size, sizeof value);
    std::memcpy(&value, data, n);
    data += n;
    size -= n;
    return value;
  }
  uint64_t word() {
    static constexpr uint64_t kWords[] = {0,    1,          2,         8,          16,    24,
                                          4096, UINT32_MAX, INT32_MAX, 1ull << 62, ~0ull, ~6ull};
    const auto choice = take<uint8_t>();
    switch (choice % 4) {
      case 0:
        return kWords[choice / 4 % std::size(kWords)];
      case 1:
        return take<uint32_t>();
      case 2: {
        const uint64_t page = choice / 4 % InputMemory::kPieces;
        const uint64_t offset = page % 2 == 0 ? choice % 3 : InputMemory::kPage - take<uint8_t>();
        return InputMemory::kFirst + page * InputMemory::kPage + offset;
      }
      default:
        return take<uint64_t>();
    }
  }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  constexpr size_t kLeast = 16;
  constexpr uint32_t kIoctl = 16, kNumbers = 480;
  if (size < kLeast) return 0;
  Input input{data, size};
  const auto choice = input.take<uint16_t>();
  // Every fourth is an ioctl, half of these with a type that drivers use.
  const uint32_t nr = choice % 4 == 0 ? kIoctl : choice % kNumbers;
  uint64_t words[6];
  for (uint64_t& word : words) word = input.word();
  if (nr == kIoctl && choice % 8 == 0) {
    static constexpr char kTypes[] = "TVKMEpRsX$=>f!";
    words[1] = (words[1] & 0xc0ff00ff) |
               static_cast<uint64_t>(kTypes[choice / 8 % (sizeof kTypes - 1)]) << 8;
  }
  const wc::SyscallSpec& spec = wc::syscall_spec(nr);
  InputMemory memory(input.size == 0 ? data : input.data, std::max<size_t>(input.size, 1));
  wc::DecodeOptions options;
  options.string_size = choice % 5 == 0 ? choice % 64 : 32;
  const wc::DecodeContext context{memory, options, 0};
  static constexpr int64_t kResults[] = {0,   1,   5,    4096,      -1,       -7,
                                         -11, -22, -512, INT64_MAX, INT64_MIN};
  const auto result = static_cast<uint64_t>(kResults[choice % std::size(kResults)]);
  std::vector<wc::DecodedArg> args;
  decode_entry_args(context, {spec.args, spec.arg_count}, words, args);
  decode_exit_args(context, {spec.args, spec.arg_count}, words, spec.result, result, args);
  std::string line = join_args(args) + decode_syscall_result(context, spec, words, result);
  require(line.size() < (1u << 24));
  return 0;
}
