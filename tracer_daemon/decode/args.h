// Inside of the decoders: what one argument's decoder sees, and how it reads the
// tracee. One file a family (args_*.cpp), one function a family: the family of a
// kind, and when it is decoded, stand in the table of decoder.cpp.
//
// All that is read is hostile: lengths are capped here, an address that cannot be
// read is printed as an address, nothing throws or allocates by a tracee's word.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>

#include "decode/arg_kind.h"
#include "decode/decoder.h"
#include "decode/flag_tables.h"
#include "decode/text.h"

struct sockaddr_storage;

namespace wc {

struct Arg {
  const DecodeContext& context;
  std::span<const uint64_t> words;
  ArgSpec spec;
  uint64_t word = 0;
  bool at_exit = false;
  uint64_t ret = 0;     // at exit only
  bool failed = false;  // at exit only: the call failed, what it would have written is garbage

  [[nodiscard]] uint64_t other_word(size_t index) const {
    return index < words.size() ? words[index] : 0;
  }
  [[nodiscard]] uint64_t aux_word() const { return other_word(spec.aux); }
};

template <typename T>
bool fetch(const DecodeContext& context, uint64_t address, T& value) {
  return address != 0 && context.memory.read_all(RemoteAddress{address}, &value, sizeof value);
}

// Fetches a structure for an argument; prints the address and returns false where that fails.
template <typename T>
bool fetch_or_address(const Arg& arg, T& value, std::string& out) {
  if (fetch(arg.context, arg.word, value)) return true;
  append_pointer(out, arg.word);
  return false;
}

// "[value]": what an argument points to, printed by `append`, or its address.
template <typename T, typename Append>
void append_pointee(const Arg& arg, std::string& out, Append append) {
  T value{};
  if (!fetch_or_address(arg, value, out)) return;
  out += '[';
  append(out, value);
  out += ']';
}

// A value at any alignment.
template <typename T>
T load(const std::byte* at) {
  T value;
  std::memcpy(&value, at, sizeof value);
  return value;
}

inline void append_field(std::string& out, std::string_view name, uint64_t value) {
  out += name;
  append_udec(out, value);
}

// "[a, b, ...]": as many elements as strace shows (the string size), read in few chunks.
// `print` is called with a pointer to each element's bytes.
template <typename Print>
void append_array(std::string& out, const DecodeContext& context, uint64_t address, uint64_t count,
                  size_t element_size, Print print) {
  if (address == 0) {
    out += "NULL";
    return;
  }
  std::byte chunk[4096];
  const uint64_t shown = count < context.options.string_size ? count : context.options.string_size;
  const size_t start = out.size();
  out += '[';
  uint64_t first = 0, available = 0;  // the elements that are in the chunk
  for (uint64_t i = 0; i < shown; i++) {
    if (i == first + available) {
      const uint64_t most = sizeof chunk / element_size;
      const size_t wanted = (shown - i < most ? shown - i : most) * element_size;
      first = i;
      available = context.memory.read({address + i * element_size}, chunk, wanted) / element_size;
    }
    if (available == 0 && i == 0) {
      out.resize(start);
      append_pointer(out, address);
      return;
    }
    if (i != 0) out += ", ";
    if (available == 0) {
      out += "... /* ";
      append_hex(out, address + i * element_size);
      out += " */]";
      return;
    }
    print(out, chunk + (i - first) * element_size);
  }
  if (shown < count) {
    out += shown == 0 ? "..." : ", ...";
    std::byte next;
    if (shown != 0 && !context.memory.read_all({address + shown * element_size}, &next, 1)) {
      out += " /* ";
      append_hex(out, address + shown * element_size);
      out += " */";
    }
  }
  out += ']';
}

// Reads up to `limit` bytes of a NUL-terminated string. False when its beginning is unreadable,
// or when unreadable memory comes before the end.
struct StringRead {
  bool readable = false;
  bool terminated = false;  // the NUL was seen within limit bytes
};
StringRead read_string(const DecodeContext& context, uint64_t address, size_t limit,
                       std::string& bytes);

// Quoted C string, "..." behind it when it is longer than `limit`.
void append_string_at(std::string& out, const DecodeContext& context, uint64_t address,
                      size_t limit);
// Quoted bytes, shortened to the string size. `data`, when given, gets the raw bytes shown.
void append_buffer_at(std::string& out, const DecodeContext& context, uint64_t address,
                      uint64_t length, QuoteStyle style = QuoteStyle::Plain,
                      std::string* data = nullptr);

// "3" or with -y "3</path>".
void append_fd(std::string& out, const DecodeContext& context, int32_t fd);
void append_dir_fd(std::string& out, const DecodeContext& context, int32_t fd);
void append_signal(std::string& out, int32_t signal);
void append_id(std::string& out, uint32_t id);
// "[INT TERM]"
void append_sigset_words(std::string& out, uint64_t mask);
void append_sigset_at(std::string& out, const DecodeContext& context, uint64_t address,
                      uint64_t size);
void append_siginfo_at(std::string& out, const DecodeContext& context, uint64_t address);
// if_nametoindex("lo"), or the number.
void append_interface(std::string& out, uint32_t index);
// Bytes that the caller's structure has behind those that are known: nothing where they are zero,
// ", /* bytes 24..31 */ \"\\x01...\"", or ", ???" where they cannot be read.
void append_rest_of_struct(std::string& out, const DecodeContext& context, uint64_t address,
                           uint64_t known, uint64_t size);
bool append_link_address(std::string& out, const sockaddr_storage& storage, size_t length);
bool append_rare_address(std::string& out, const sockaddr_storage& storage, size_t length);
void append_ioprio(std::string& out, uint32_t value);
void append_sockaddr_at(std::string& out, const DecodeContext& context, uint64_t address,
                        uint64_t length);

// Control messages of a socket, as many as `length` says.
void append_control_at(std::string& out, const DecodeContext& context, uint64_t address,
                       uint64_t length);
void append_sockaddr_bytes(std::string& out, std::string_view bytes);

// What follows iov_base: the data (known to be `data_length` bytes in all), or only the address.
enum class IovecData : uint8_t { Bytes, Address };
void append_iovec_at(std::string& out, const DecodeContext& context, uint64_t address,
                     uint64_t count, IovecData what, uint64_t data_length);

// " => [...]" results that select and poll add to the number.
void append_poll_result(std::string& out, const Arg& arg);
void append_fd_set_result(std::string& out, const Arg& arg);

void decode_simple(const Arg& arg, DecodedArg& to);
void decode_string(const Arg& arg, DecodedArg& to);
void decode_stat(const Arg& arg, DecodedArg& to);
void decode_time(const Arg& arg, DecodedArg& to);
void decode_signal(const Arg& arg, DecodedArg& to);
void decode_network(const Arg& arg, DecodedArg& to);
void decode_sockopt(const Arg& arg, DecodedArg& to);
void decode_poll(const Arg& arg, DecodedArg& to);
void decode_process(const Arg& arg, DecodedArg& to);
void decode_clone(const Arg& arg, DecodedArg& to);
void decode_system(const Arg& arg, DecodedArg& to);
void decode_memory(const Arg& arg, DecodedArg& to);
void decode_terminal(const Arg& arg, DecodedArg& to);
void decode_packed(const Arg& arg, DecodedArg& to);
void decode_link(const Arg& arg, DecodedArg& to);
void decode_struct(const Arg& arg, DecodedArg& to);
void decode_prctl(const Arg& arg, DecodedArg& to);
void decode_numa(const Arg& arg, DecodedArg& to);
void decode_rare(const Arg& arg, DecodedArg& to);
void decode_perf(const Arg& arg, DecodedArg& to);

}  // namespace wc
