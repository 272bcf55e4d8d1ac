#include "events/event_args.h"

#include <algorithm>
#include <charconv>

namespace wc {
namespace {

const char* or_null(const std::string& text) { return text.empty() ? nullptr : text.c_str(); }

}  // namespace

wc_arg_type type_of(ArgKind kind) {
  switch (kind) {
    case ArgKind::Int:
    case ArgKind::Long:
    case ArgKind::Char:
    case ArgKind::Fd:
    case ArgKind::DirFd:
    case ArgKind::Enum:
    case ArgKind::Signal:
    case ArgKind::Pid:
    case ArgKind::Errno:
    case ArgKind::FdResult:
    case ArgKind::IntResult:
    case ArgKind::ErrnoResult:
    case ArgKind::LongResult:
    case ArgKind::SockoptName:
    case ArgKind::SyslogAction:
      return WC_ARG_INT;
    case ArgKind::Uint:
    case ArgKind::Ulong:
    case ArgKind::Flags:
    case ArgKind::Mode:
    case ArgKind::Uid:
    case ArgKind::Dev:
    case ArgKind::CloneFlags:
    case ArgKind::Ioctl:
    case ArgKind::Fcntl:
    case ArgKind::FutexOp:
    case ArgKind::FileMode:
    case ArgKind::ModeResult:
    case ArgKind::CloneFlagsNamed:
    case ArgKind::EtherType:
    case ArgKind::Ioprio:
    case ArgKind::IpcFlags:
    case ArgKind::IpcKey:
    case ArgKind::QuotaCmd:
    case ArgKind::ResumedCall:
    case ArgKind::WakeOp:
      return WC_ARG_UINT;
    case ArgKind::Double:
      return WC_ARG_UNKNOWN;
    default:
      return WC_ARG_POINTER;
  }
}

uint64_t value_of(ArgKind kind, uint64_t word) {
  switch (kind) {
    case ArgKind::Int:
    case ArgKind::Char:
    case ArgKind::Fd:
    case ArgKind::DirFd:
    case ArgKind::Enum:
    case ArgKind::Signal:
    case ArgKind::Pid:
    case ArgKind::FdResult:
    case ArgKind::IntResult:
    case ArgKind::ErrnoResult:
    case ArgKind::Errno:
    case ArgKind::SockoptName:
    case ArgKind::SyslogAction:
      return static_cast<uint64_t>(static_cast<int64_t>(static_cast<int32_t>(word)));
    case ArgKind::Uint:
    case ArgKind::Mode:
    case ArgKind::ModeResult:
    case ArgKind::FileMode:
    case ArgKind::Fcntl:
    case ArgKind::Ioctl:
    case ArgKind::Uid:
      return static_cast<uint32_t>(word);
    default:
      return word;
  }
}

void fill_words(std::span<const ArgSpec> specs, std::span<const uint64_t> words,
                std::vector<wc_arg>& out) {
  const ArgList list = resolve_args(specs, words);
  out.clear();
  for (const ArgSlot& slot : std::span(list.slots, list.count)) {
    if (slot.word >= words.size()) continue;
    constexpr wc_arg kUnused{.type = WC_ARG_UNKNOWN};
    if (slot.word >= out.size()) out.resize(size_t{slot.word} + 1, kUnused);
    out[slot.word].type = type_of(slot.spec.kind);
    out[slot.word].value = value_of(slot.spec.kind, words[slot.word]);
  }
}

wc_arg typed_arg(const TypedValue& value) {
  constexpr auto type_of_value = [](ValueKind kind) {
    switch (kind) {
      case ValueKind::Signed:
        return WC_ARG_INT;
      case ValueKind::Unsigned:
        return WC_ARG_UINT;
      case ValueKind::Address:
        return WC_ARG_POINTER;
      case ValueKind::Float:
        return WC_ARG_DOUBLE;
      case ValueKind::Text:
        return WC_ARG_STRING;
      case ValueKind::Unknown:
        break;
    }
    return WC_ARG_UNKNOWN;
  };
  wc_arg arg{};
  arg.type = value.shown.is_string ? WC_ARG_STRING : type_of_value(value.kind);
  arg.value = value.word;
  const std::string& text = value.shown.is_string ? value.shown.data : value.shown.text;
  arg.text = text.c_str();
  if (arg.type == WC_ARG_STRING) arg.length = static_cast<uint32_t>(text.size());
  return arg;
}

void set_variadic(wc_arg& arg, const std::string& text) {
  const char* end = text.data() + text.size();
  int64_t number = 0;
  uint64_t address = 0;
  if (auto [at, error] = std::from_chars(text.data(), end, number);
      at == end && error == std::errc()) {
    arg.type = WC_ARG_INT;
    arg.value = static_cast<uint64_t>(number);
  } else if (auto [hex, wrong] =
                 std::from_chars(text.data() + std::min<size_t>(2, text.size()), end, address, 16);
             text.starts_with("0x") && hex == end && wrong == std::errc()) {
    arg.type = WC_ARG_POINTER;
    arg.value = address;
  } else {
    arg.type = WC_ARG_STRING;
  }
}

wc_caller caller_event(const Location& at, uint64_t address) {
  return {.address = address,
          .object = or_null(at.object),
          .symbol = or_null(at.symbol),
          .offset = at.offset,
          .file = or_null(at.file),
          .line = at.line};
}

}  // namespace wc
