// Memory of a tracee that is not there: blocks at made-up addresses, and counters
// of what was read.
#pragma once

#include <algorithm>
#include <cstring>
#include <map>
#include <string>
#include <vector>

#include "base/tracee_memory.h"
#include "decode/decoder.h"

namespace wc {

class FakeMemory final : public TraceeMemory {
 public:
  size_t read(RemoteAddress from, void* to, size_t size) override {
    reads++;
    bytes_read += size;
    auto block = blocks_.upper_bound(from.value);
    if (block == blocks_.begin()) return 0;
    --block;
    const uint64_t offset = from.value - block->first;
    if (offset >= block->second.size()) return 0;
    const size_t got = std::min<size_t>(size, block->second.size() - offset);
    std::memcpy(to, block->second.data() + offset, got);
    return got;
  }

  // Unreadable on both sides of the block.
  uint64_t put(std::string bytes) {
    const uint64_t address = next_;
    next_ += (bytes.size() / 4096 + 2) * 4096;
    blocks_[address] = std::move(bytes);
    return address;
  }
  uint64_t put_string(const std::string& text) { return put(text + '\0'); }
  template <typename T>
  uint64_t put_value(const T& value) {
    return put(std::string(reinterpret_cast<const char*>(&value), sizeof value));
  }

  unsigned reads = 0;
  size_t bytes_read = 0;

 private:
  std::map<uint64_t, std::string> blocks_;
  uint64_t next_ = 0x10000;
};

// One call, decoded as an engine would: entry, then exit.
class Call {
 public:
  explicit Call(FakeMemory& memory, DecodeOptions options = {})
      : options_(options), context_{memory, options_, 0} {}

  std::string text(std::string_view name, std::vector<uint64_t> words, int64_t ret = 0) {
    const SyscallSpec& spec = syscall_spec(static_cast<uint32_t>(syscall_number(name)));
    words.resize(6);
    decode_entry_args(context_, {spec.args, spec.arg_count}, words, args);
    decode_exit_args(context_, {spec.args, spec.arg_count}, words, spec.result,
                     static_cast<uint64_t>(ret), args);
    return std::string(name) + "(" + join_args(args) +
           ") = " + decode_syscall_result(context_, spec, words, static_cast<uint64_t>(ret));
  }
  std::string entry(std::string_view name, std::vector<uint64_t> words) {
    const SyscallSpec& spec = syscall_spec(static_cast<uint32_t>(syscall_number(name)));
    words.resize(6);
    decode_entry_args(context_, {spec.args, spec.arg_count}, words, args);
    return join_args(args);
  }
  const DecodeContext& context() const { return context_; }

  std::vector<DecodedArg> args;

 private:
  DecodeOptions options_;
  DecodeContext context_;
};

}  // namespace wc
