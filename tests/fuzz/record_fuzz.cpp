// Records that a hostile program has written, up to the lines of the back ends: calls, syscalls
// with any number and words, returns, in any order, with captured memory of any size and content.
// What the pipeline makes of them is written to nobody; it must end, and stay inside.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "events/pipeline.h"

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

// Readable everywhere, the same everywhere, without an end: strings never stop, pointers lead on.
class EndlessMemory final : public wc::TraceeMemory {
 public:
  size_t read(wc::RemoteAddress from, void* to, size_t size) override {
    require(size <= kTooMuch);
    if (from.value >> 47 != 0) return 0;
    auto* bytes = static_cast<unsigned char*>(to);
    for (size_t i = 0; i < size; i++)
      bytes[i] = static_cast<unsigned char>(1 + (from.value + i) % 255);
    return size;
  }
  static constexpr size_t kTooMuch = 64 << 20;
};

class Input {
 public:
  Input(const uint8_t* data, size_t size) : data_(data), size_(size) {}
  [[nodiscard]] bool empty() const { return size_ == 0; }
  template <typename T>
  T take() {
    T value{};
    const size_t n = std::min(size_, sizeof value);
    std::memcpy(&value, data_, n);
    data_ += n;
    size_ -= n;
    return value;
  }
  // Words that sizes, counts, flags and pointers break at; one in eight is any word.
  uint64_t word() {
    static constexpr uint64_t kWords[] = {0,          1,          2,          4096,
                                          0x7fffffff, 0xffffffff, 0x10000000, 1ull << 46,
                                          1ull << 62, 1ull << 63, ~0ull,      ~13ull};
    const auto choice = take<uint8_t>();
    if (choice % 8 == 0) return take<uint64_t>();
    if (choice % 8 == 1) return take<uint16_t>();
    return kWords[choice % std::size(kWords)];
  }

 private:
  const uint8_t* data_;
  size_t size_;
};

// The places of a ring, made of the input: nearly right, so that the decoders are reached.
class Craft {
 public:
  std::vector<wc_record> make(Input& input) {
    while (!input.empty() && bytes_.size() < kMost) add(input);
    std::vector<wc_record> places(bytes_.size() / sizeof(wc_record));
    if (!places.empty())
      std::memcpy(places.data(), bytes_.data(), places.size() * sizeof(wc_record));
    return places;
  }

 private:
  static constexpr size_t kMost = 16384;
  static constexpr uint32_t kFlags[] = {0,
                                        0,
                                        WC_RECORD_NO_RESULT,
                                        WC_RECORD_RETURNED,
                                        WC_RECORD_RETURNED | WC_RECORD_SAME_ARGS,
                                        WC_RECORD_SAME_ARGS,
                                        WC_RECORD_CAPTURES,
                                        WC_RECORD_STACK};

  template <typename T>
  void put(const T& value) {
    bytes_.append(reinterpret_cast<const char*>(&value), sizeof value);
  }

  void add(Input& input) {
    const size_t start = bytes_.size();
    const auto kind = input.take<uint8_t>();
    const uint32_t type = 1 + kind % 6;
    const uint32_t flags = kFlags[kind / 6 % std::size(kFlags)];
    if (type == WC_RECORD_CALL || type == WC_RECORD_CALL_SYSCALL) seq_++;
    if (kind >= 240) seq_ += input.take<uint8_t>();
    wc_record head{seq_, input.word(), input.word(), type | flags, 0};
    head.error = static_cast<int32_t>(kind % 3 != 0 ? input.take<uint8_t>() % 4 : input.word());
    put(head);
    if (type >= WC_RECORD_CALL || flags & WC_RECORD_CAPTURES) add_body(input, type, flags);
    bytes_.resize((bytes_.size() + sizeof(wc_record) - 1) / sizeof(wc_record) * sizeof(wc_record));
    // Now and then it does not say how long it is.
    auto places = static_cast<uint32_t>((bytes_.size() - start) / sizeof(wc_record));
    if (kind % 31 == 0) places = input.take<uint16_t>();
    head.type |= places << 16;
    std::memcpy(&bytes_[start], &head, sizeof head);
  }

  void add_body(Input& input, uint32_t type, uint32_t flags) {
    const auto what = input.take<uint16_t>();
    wc_record_body body{};
    body.place = input.word();
    body.what = what % 64 == 0 ? what : what % (type == WC_RECORD_CALL ? 256 : 470);
    body.captures = input.take<uint8_t>() % 5;
    for (uint64_t& arg : body.args) arg = input.word();
    put(body);
    if (type == WC_RECORD_CALL_SYSCALL) {
      put(wc_record_call{input.word(), input.word(), what % 256u, what % 5u, input.word()});
      if (!(flags & WC_RECORD_SAME_ARGS))
        for (int i = 0; i < 6; i++) put(input.word());
    }
    for (uint32_t i = 0; i < body.captures; i++) add_capture(input, body.args[i % 6]);
  }

  void add_capture(Input& input, uint64_t address) {
    const auto choice = input.take<uint8_t>();
    uint32_t size = choice % 128, room = (size + 7) / 8 * 8;
    if (choice >= 250) size = input.take<uint32_t>(), room = input.take<uint32_t>();
    put(wc_captured{choice % 4 == 0 ? input.word() : address, size, room});
    for (uint32_t i = 0; i < choice % 128u; i += 8) put(input.take<uint64_t>());
  }

  std::string bytes_;
  uint64_t seq_ = 0;
};

wc::FunctionTable some_functions() {
  constexpr size_t kEvery = 11;  // of the catalog: all kinds of arguments
  wc::FunctionTable table;
  for (size_t i = 0; i < wc::catalog().size(); i += kEvery) {
    const wc::FunctionSpec& spec = wc::catalog()[i];
    const std::string name(spec.name);
    table.functions.push_back({name, name, "libc.so.6", &spec, i % 3 == 0});
  }
  return table;
}

wc::Pipeline make_pipeline() {
  const std::vector<std::string> backends = {"json:output=/dev/null", "text:output=/dev/null",
                                             "summary:output=/dev/null"};
  wc::HostOptions options;
  options.output_path = "/dev/null";
  auto set = wc::BackendSet::open(backends, options);
  auto filter = wc::parse_syscall_filter("all");
  require(set.ok() && filter.ok());
  return {std::move(*set), wc::DecodeOptions{}, *filter};
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const wc::FunctionTable table = some_functions();
  static wc::Pipeline pipeline = make_pipeline();
  constexpr int32_t kNobody = 0x7fffffff;  // more than any process's id
  EndlessMemory memory;
  wc::CallStack calls;
  wc::OwnScopes own_scopes;
  const wc::EventSource source{.pid = kNobody,
                               .tid = kNobody,
                               .memory = &memory,
                               .table = &table,
                               .calls = &calls,
                               .own_scopes = &own_scopes};
  Input input(data, size);
  const std::vector<wc_record> places = Craft().make(input);
  wc::RecordReader reader(places);
  wc::RecordView view, next;
  for (bool more = reader.next(view); more; view = next) {
    more = reader.next(next);
    (void)pipeline.record(source, view, more ? &next : nullptr);
    require(calls.calls().size() <= WC_MAX_SCOPES);
  }
  pipeline.drop_missing(source, {});
  require(calls.calls().empty());
  pipeline.forget_process(kNobody);
  return 0;
}
