// A streaming JSON writer: no tree, no allocation but the growth of the buffer.
//
// Strings may be any bytes. Valid UTF-8 stays as it is; a byte that is not part of
// valid UTF-8 becomes \u00XX with its value, so that it reads back as the Latin-1
// character of the same number. Control characters, DEL and U+0080..U+009F (a
// terminal may take those for control sequences) are written as \u00XX, too.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace wc::backends {

// Appends valid UTF-8 as it is, and any other byte as the Latin-1 character of its value.
void append_utf8(std::string& out, std::string_view bytes);

class JsonWriter {
 public:
  explicit JsonWriter(std::string& out) : out_(&out) {}

  void begin_object() { open('{'); }
  void end_object() { close('}'); }
  void begin_array() { open('['); }
  void end_array() { close(']'); }

  // Writes a member's name, a literal of this program, without escaping it.
  void key(std::string_view name);

  void string(std::string_view bytes);
  void number(int64_t value);
  void number(uint64_t value);
  void floating(double value);   // "inf", "nan" as strings: JSON has no such numbers
  void address(uint64_t value);  // "0x55d0c0": JSON numbers lose bits above 2^53 in many readers
  void boolean(bool value);
  void null();
  // A value that is JSON already.
  void raw(std::string_view json);

  // key and value at once.
  void member(std::string_view name, std::string_view bytes) {
    key(name);
    string(bytes);
  }
  void member(std::string_view name, const char*) = delete;  // would be taken for a bool
  void member(std::string_view name, int64_t value) {
    key(name);
    number(value);
  }
  void member(std::string_view name, uint64_t value) {
    key(name);
    number(value);
  }
  void member(std::string_view name, int32_t value) { member(name, int64_t{value}); }
  void member(std::string_view name, uint32_t value) { member(name, uint64_t{value}); }
  void member(std::string_view name, bool value) {
    key(name);
    boolean(value);
  }

 private:
  void separate();
  void open(char bracket);
  void close(char bracket);

  std::string* out_;
  bool first_ = true;  // nothing stands before the next value in its object or array
};

}  // namespace wc::backends
