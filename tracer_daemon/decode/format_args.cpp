// The variadic arguments of printf and its family, by the conversions of the format.
// Source: printf(3).
#include <fmt/format.h>

#include <algorithm>

#include "decode/args.h"

namespace wc {
namespace {

enum class Length : uint8_t { Char, Short, Int, Long, LongDouble };

struct Conversion {
  char letter = 0;  // 0: the format ended
  Length length = Length::Int;
  int stars = 0;  // integer arguments taken by a width and a precision of *
  bool has_precision = false;
  bool precision_is_star = false;
  uint32_t precision = 0;
  uint32_t position = 0;  // N of %N$, or 0
};

class FormatScanner {
 public:
  explicit FormatScanner(std::string_view format) : rest_(format) {}

  // The next conversion that takes arguments.
  Conversion next() {
    while (true) {
      const size_t percent = rest_.find('%');
      if (percent == std::string_view::npos) return {};
      rest_.remove_prefix(percent + 1);
      const Conversion conversion = scan();
      if (conversion.letter != '%' && conversion.letter != 'm') return conversion;
    }
  }

 private:
  [[nodiscard]] char peek() const { return rest_.empty() ? '\0' : rest_.front(); }
  char take() {
    const char c = peek();
    if (!rest_.empty()) rest_.remove_prefix(1);
    return c;
  }

  uint32_t number() {
    constexpr uint32_t kMost = 1u << 20;
    uint32_t value = 0;
    while (peek() >= '0' && peek() <= '9') {
      value = std::min(kMost, value * 10 + static_cast<uint32_t>(take() - '0'));
    }
    return value;
  }

  bool star() {
    if (peek() != '*') return false;
    take();
    number();  // *N$: positions of widths are rare enough to be read in order
    if (peek() == '$') take();
    return true;
  }

  Conversion scan() {
    Conversion c;
    constexpr std::string_view kFlags = "-+ #0'I";
    if (peek() >= '1' && peek() <= '9') {  // a width, or a position when $ follows
      const uint32_t value = number();
      if (peek() == '$') {
        take();
        c.position = value;
      }
    }
    while (!rest_.empty() && kFlags.find(peek()) != std::string_view::npos) take();
    if (star()) {
      c.stars++;
    } else {
      number();
    }
    if (peek() == '.') {
      take();
      c.has_precision = true;
      c.precision_is_star = star();
      if (c.precision_is_star) c.stars++;
      if (!c.precision_is_star) c.precision = number();
    }
    c.length = length();
    c.letter = take();
    return c;
  }

  Length length() {
    switch (peek()) {
      case 'h':
        take();
        if (peek() != 'h') return Length::Short;
        take();
        return Length::Char;
      case 'l':
        take();
        if (peek() == 'l') take();
        return Length::Long;
      case 'L':
        take();
        return Length::LongDouble;
      case 'q':
      case 'j':
      case 'z':
      case 'Z':
      case 't':
        take();
        return Length::Long;
      default:
        return Length::Int;
    }
  }

  std::string_view rest_;
};

int64_t narrow_signed(uint64_t word, Length length) {
  switch (length) {
    case Length::Char:
      return static_cast<int8_t>(word);
    case Length::Short:
      return static_cast<int16_t>(word);
    case Length::Int:
      return static_cast<int32_t>(word);
    default:
      return static_cast<int64_t>(word);
  }
}

uint64_t narrow_unsigned(uint64_t word, Length length) {
  switch (length) {
    case Length::Char:
      return static_cast<uint8_t>(word);
    case Length::Short:
      return static_cast<uint16_t>(word);
    case Length::Int:
      return static_cast<uint32_t>(word);
    default:
      return word;
  }
}

bool is_floating(char letter) {
  return std::string_view{"eEfFgGaA"}.find(letter) != std::string_view::npos;
}

// A string with a precision need not be terminated: nothing behind it is read.
void append_counted_string(const DecodeContext& context, uint64_t address, uint32_t precision,
                           DecodedArg& to) {
  const uint32_t shown = std::min(precision, context.options.string_size);
  std::string bytes(shown, '\0');
  const size_t got = address == 0 ? 0 : context.memory.read({address}, bytes.data(), shown);
  const size_t length =
      std::find(bytes.begin(), bytes.begin() + static_cast<long>(got), '\0') - bytes.begin();
  if (address == 0 || (length == got && got < shown)) return append_pointer(to.text, address);
  bytes.resize(length);
  append_quoted(to.text, bytes);
  if (length == shown && shown < precision) to.text += "...";
  to.data = std::move(bytes);
  to.is_string = true;
}

class FormatDecoder {
 public:
  FormatDecoder(const DecodeContext& context, std::span<const uint64_t> words,
                std::span<const double> doubles, std::vector<DecodedArg>& out)
      : context_(context), words_(words), doubles_(doubles), out_(out) {}

  void add(const Conversion& c) {
    uint32_t precision = c.precision;
    bool has_precision = c.has_precision;
    for (int i = 0; i < c.stars; i++) {
      uint64_t word = 0;
      const bool known = next_word(word);
      add_word(known, word, ArgKind::Int);
      // The precision comes last; a negative one is as good as none.
      if (c.precision_is_star && i + 1 == c.stars) {
        has_precision = known && static_cast<int32_t>(word) >= 0;
        precision = static_cast<uint32_t>(word);
      }
    }
    if (is_floating(c.letter)) return add_double(c);
    if (c.position != 0) next_word_ = c.position - 1;
    uint64_t word = 0;
    const bool known = next_word(word);
    if (known && c.letter == 's' && c.length != Length::Long && has_precision) {
      return append_counted_string(context_, word, precision, out_.emplace_back());
    }
    if (known && (c.letter == 'd' || c.letter == 'i')) {
      return append_dec(out_.emplace_back().text, narrow_signed(word, c.length));
    }
    add_word(known, narrow(word, c), kind_of(c));
  }

 private:
  static uint64_t narrow(uint64_t word, const Conversion& c) {
    const bool number = std::string_view{"uoxXbB"}.find(c.letter) != std::string_view::npos;
    return number ? narrow_unsigned(word, c.length) : word;
  }

  static ArgKind kind_of(const Conversion& c) {
    switch (c.letter) {
      case 'u':
        return ArgKind::Ulong;
      case 'o':
        return ArgKind::Mode;
      case 'x':
      case 'X':
      case 'b':
      case 'B':
        return ArgKind::Hex;
      case 'c':
        return c.length == Length::Long ? ArgKind::Int : ArgKind::Char;
      case 'C':
        return ArgKind::Int;
      case 's':
        return c.length == Length::Long ? ArgKind::WideString : ArgKind::String;
      case 'S':
        return ArgKind::WideString;
      default:
        return ArgKind::Pointer;
    }
  }

  bool next_word(uint64_t& word) {
    const bool known = next_word_ < words_.size();
    if (known) word = words_[next_word_];
    next_word_++;
    return known;
  }

  void add_word(bool known, uint64_t word, ArgKind kind) {
    DecodedArg& to = out_.emplace_back();
    if (!known) {
      to.text = "?";
      return;
    }
    const uint64_t words[] = {word};
    const Arg arg{.context = context_, .words = words, .spec = {kind, 0}, .word = word};
    switch (kind) {
      case ArgKind::String:
      case ArgKind::WideString:
        return decode_string(arg, to);
      case ArgKind::Mode:  // %o: not only sixteen bits
        to.text = fmt::format("{}{:o}", word != 0 ? "0" : "", word);
        return;
      default:
        return decode_simple(arg, to);
    }
  }

  // long double is passed on the stack, where the shim does not look.
  void add_double(const Conversion& c) {
    DecodedArg& to = out_.emplace_back();
    const bool known = c.length != Length::LongDouble && next_double_ < doubles_.size();
    to.text = known ? fmt::format("{}", doubles_[next_double_]) : "?";
    if (c.length != Length::LongDouble) next_double_++;
  }

  const DecodeContext& context_;
  std::span<const uint64_t> words_;
  std::span<const double> doubles_;
  std::vector<DecodedArg>& out_;
  size_t next_word_ = 0;
  size_t next_double_ = 0;
};

}  // namespace

void decode_format_args(const DecodeContext& context, std::string_view format,
                        std::span<const uint64_t> words, std::span<const double> doubles,
                        std::vector<DecodedArg>& out) {
  // A format is the tracee's: it may ask for more than any call passes.
  constexpr size_t kMostArgs = 64;
  const size_t before = out.size();
  FormatScanner scanner(format);
  FormatDecoder decoder(context, words, doubles, out);
  for (Conversion c = scanner.next(); c.letter != 0; c = scanner.next()) {
    if (out.size() - before >= kMostArgs) {
      out.emplace_back().text = "...";
      return;
    }
    decoder.add(c);
  }
}

}  // namespace wc
