// Strings, paths, buffers, vectors of strings.
#include <algorithm>
#include <climits>
#include <cstring>

#include "decode/args.h"

namespace wc {
namespace {

// Most paths and all shown strings fit: one read of the tracee in the usual case.
constexpr size_t kFirstChunk = 256;
constexpr size_t kMaxVector = 65536;  // environment variables that are counted

void append_quoted_or_address(const Arg& arg, DecodedArg& to, size_t limit) {
  const StringRead result = read_string(arg.context, arg.word, limit, to.data);
  if (!result.readable) {
    to.data.clear();
    append_pointer(to.text, arg.word);
    return;
  }
  to.is_string = true;
  append_quoted(to.text, to.data);
  if (!result.terminated) to.text += "...";
}

void append_wide_string(const Arg& arg, DecodedArg& to) {
  char32_t wide[64];  // wchar_t is signed
  const size_t limit = std::min<size_t>(arg.context.options.string_size, std::size(wide) - 1);
  const size_t bytes = arg.context.memory.read({arg.word}, wide, (limit + 1) * sizeof wide[0]);
  const size_t got = bytes / sizeof wide[0];
  size_t length = 0;
  while (length < got && wide[length] != 0) length++;
  if (arg.word == 0 || length == got) {
    // Not even one terminator or one character too many: unreadable before the end.
    if (arg.word == 0 || got < limit + 1) return append_pointer(to.text, arg.word);
    length = limit;
  }
  for (size_t i = 0; i < length; i++) {
    const auto c = static_cast<uint32_t>(wide[i]);
    if (c < 0x80) {
      to.data += static_cast<char>(c);
    } else if (c < 0x800) {
      to.data += {static_cast<char>(0xc0 | (c >> 6)), static_cast<char>(0x80 | (c & 0x3f))};
    } else if (c < 0x10000) {
      to.data += {static_cast<char>(0xe0 | (c >> 12)), static_cast<char>(0x80 | ((c >> 6) & 0x3f)),
                  static_cast<char>(0x80 | (c & 0x3f))};
    } else {
      to.data +=
          {static_cast<char>(0xf0 | ((c >> 18) & 7)), static_cast<char>(0x80 | ((c >> 12) & 0x3f)),
           static_cast<char>(0x80 | ((c >> 6) & 0x3f)), static_cast<char>(0x80 | (c & 0x3f))};
    }
  }
  to.is_string = true;
  to.text += 'L';
  append_quoted(to.text, to.data);
  if (length < got && wide[length] != 0) to.text += "...";
}

void append_string_vector(const Arg& arg, std::string& out) {
  if (arg.word == 0) {
    out += "NULL";
    return;
  }
  const size_t start = out.size();
  const uint32_t shown = arg.context.options.string_size;
  out += '[';
  for (uint32_t i = 0;; i++) {
    uint64_t pointer = 0;
    if (!fetch(arg.context, arg.word + i * sizeof pointer, pointer)) {
      if (i == 0) {
        out.resize(start);
        return append_pointer(out, arg.word);
      }
      out += ", ... /* ";
      append_hex(out, arg.word + i * sizeof pointer);
      out += " */";
      break;
    }
    if (pointer == 0) break;
    if (i != 0) out += ", ";
    if (i == shown) {
      out += "...";
      break;
    }
    append_string_at(out, arg.context, pointer, arg.context.options.string_size);
  }
  out += ']';
}

void append_environment(const Arg& arg, std::string& out) {
  append_pointer(out, arg.word);
  if (arg.word == 0) return;
  uint64_t chunk[64];
  size_t count = 0;
  bool terminated = false;
  while (!terminated && count < kMaxVector) {
    const size_t bytes = arg.context.memory.read({arg.word + count * 8}, chunk, sizeof chunk);
    const auto end = chunk + bytes / sizeof chunk[0];
    const auto null = std::find(chunk, end, 0u);
    count += static_cast<size_t>(null - chunk);
    terminated = null != end;
    if (!terminated && bytes < sizeof chunk) break;
  }
  if (count == 0 && !terminated) return;  // unreadable
  out += " /* ";
  append_udec(out, count);
  out += count == 1 ? " var" : " vars";
  if (!terminated) out += ", unterminated";
  out += " */";
}

// Values that are mostly text: what ends them is not shown.
void append_text_buffer(const Arg& arg, DecodedArg& to, uint64_t length) {
  constexpr uint64_t kMostText = 65536;  // XATTR_SIZE_MAX
  if (length > kMostText) return append_pointer(to.text, arg.word);
  char last = '\1';
  if (length > 0 && length <= arg.context.options.string_size) {
    if (!fetch(arg.context, arg.word + length - 1, last)) return append_pointer(to.text, arg.word);
    if (last == '\0') length--;
  }
  append_buffer_at(to.text, arg.context, arg.word, length, QuoteStyle::Plain, &to.data);
  to.is_string = to.text.front() == '"';
}

void append_result_buffer(const Arg& arg, DecodedArg& to, QuoteStyle style) {
  // What the call wrote: as many bytes as it returned, but never more than it was given room for.
  const uint64_t length = std::min(arg.ret, arg.aux_word());
  append_buffer_at(to.text, arg.context, arg.word, length, style, &to.data);
  to.is_string = !to.text.empty() && to.text.front() == '"';
}

}  // namespace

StringRead read_string(const DecodeContext& context, uint64_t address, size_t limit,
                       std::string& bytes) {
  bytes.clear();
  char chunk[kFirstChunk];
  while (address != 0 && bytes.size() <= limit) {
    // One byte more than is shown tells whether the string goes on.
    const size_t wanted = std::min(limit + 1 - bytes.size(), sizeof chunk);
    const size_t got = context.memory.read_text({address + bytes.size()}, chunk, wanted);
    const size_t length = strnlen(chunk, got);
    bytes.append(chunk, length);
    if (length < got) return {.readable = true, .terminated = true};
    if (got < wanted) return {};
  }
  if (address == 0) return {};
  bytes.resize(limit);
  return {.readable = true, .terminated = false};
}

void append_string_at(std::string& out, const DecodeContext& context, uint64_t address,
                      size_t limit) {
  std::string bytes;
  const StringRead result = read_string(context, address, limit, bytes);
  if (!result.readable) return append_pointer(out, address);
  append_quoted(out, bytes);
  if (!result.terminated) out += "...";
}

void append_buffer_at(std::string& out, const DecodeContext& context, uint64_t address,
                      uint64_t length, QuoteStyle style, std::string* data) {
  char small[512];
  std::string large;
  const size_t shown = std::min<uint64_t>(length, context.options.string_size);
  char* bytes = small;
  if (shown > sizeof small) {
    large.resize(shown);
    bytes = large.data();
  }
  if (address == 0 || context.memory.read({address}, bytes, shown) != shown) {
    return append_pointer(out, address);
  }
  append_quoted(out, {bytes, shown}, style);
  if (shown < length) out += "...";
  if (data != nullptr) data->assign(bytes, shown);
}

void decode_string(const Arg& arg, DecodedArg& to) {
  const uint32_t string_size = arg.context.options.string_size;
  switch (arg.spec.kind) {
    case ArgKind::Path:
      return append_quoted_or_address(arg, to, PATH_MAX - 1);
    case ArgKind::BufferIn:
      append_buffer_at(to.text, arg.context, arg.word, arg.aux_word(), QuoteStyle::Plain, &to.data);
      to.is_string = to.text.front() == '"';
      return;
    case ArgKind::BufferInText:
      return append_text_buffer(arg, to, arg.aux_word());
    case ArgKind::BufferOutText:
      return append_text_buffer(arg, to, std::min(arg.ret, arg.aux_word()));
    case ArgKind::BufferOut:
      return append_result_buffer(arg, to, QuoteStyle::Plain);
    case ArgKind::NameList:
      if (arg.aux_word() == 0) return append_pointer(to.text, arg.word);
      return append_result_buffer(arg, to, QuoteStyle::Plain);
    case ArgKind::BufferOutHex:
      return append_result_buffer(arg, to, QuoteStyle::Hex);
    case ArgKind::StringOut:
      return append_quoted_or_address(arg, to, PATH_MAX - 1);
    case ArgKind::WideString:
      return append_wide_string(arg, to);
    case ArgKind::Argv:
      return append_string_vector(arg, to.text);
    case ArgKind::Envp:
      return append_environment(arg, to.text);
    default:
      return append_quoted_or_address(arg, to, string_size);
  }
}

}  // namespace wc
