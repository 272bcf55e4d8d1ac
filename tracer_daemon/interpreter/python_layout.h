// Where CPython keeps what is read here, by version: data, so that another version is another row.
// Its internal headers are the source (Include/internal/pycore_runtime.h, pycore_interp.h,
// pycore_frame.h, Include/cpython/code.h, unicodeobject.h); within one minor version they do not
// change once it is released.
// Internal to tracer_daemon/interpreter.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace wc {

// What Py_Version holds (PY_VERSION_HEX): major, minor, micro, level and serial.
struct PythonVersion {
  uint32_t hex = 0;

  [[nodiscard]] uint32_t major() const { return hex >> 24; }
  [[nodiscard]] uint32_t minor() const { return hex >> 16 & 0xff; }
  // Alphas and betas still change their layout.
  [[nodiscard]] bool is_final() const {
    constexpr uint32_t kCandidate = 0xc;
    return (hex >> 4 & 0xf) >= kCandidate;
  }
  [[nodiscard]] std::string text() const;  // "3.11.2", "3.12.0a3"
};

// Offsets in bytes.
struct PythonLayout {
  uint8_t major, minor;
  struct {
    uint16_t interpreters;  // _PyRuntimeState.interpreters.head
  } runtime;
  struct {
    uint16_t next, threads;  // PyInterpreterState: next, threads.head
  } interpreter;
  struct {
    uint16_t next, eval, native_id, size;  // PyThreadState; eval: cframe
  } thread;
  struct {
    uint16_t frame, previous, size;  // _PyCFrame, which one run of the eval loop has on its stack
  } eval;
  struct {
    uint16_t code, previous, instruction, is_entry, size;  // _PyInterpreterFrame
  } frame;
  struct {
    uint16_t count, first_line, file, name, lines, instructions, size;  // PyCodeObject
  } code;
  struct {
    uint16_t count, data;  // PyBytesObject
  } bytes;
  struct {
    uint16_t length, state, ascii, wide;  // PyASCIIObject; ascii, wide: where its text begins
  } text;
};

// nullptr: not known.
const PythonLayout* python_layout(PythonVersion version);
// Those that are known, for messages: "3.11".
std::string known_python_versions();

}  // namespace wc
