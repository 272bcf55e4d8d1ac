// What the third argument of an ioctl is, by the request.
#include "decode/dependent.h"
#include "decode/ioctl_names.h"

namespace wc {
namespace {

// What is done with the third argument of an ioctl.
struct IoctlRow {
  uint32_t request;
  ArgKind kind;  // Omitted: it has none
  uint16_t aux = 0;
};

constexpr uint16_t of(StructId id) { return static_cast<uint16_t>(id); }

constexpr IoctlRow kIoctls[] = {
#define IOCTL(request, kind, aux) {request, ArgKind::kind, aux},
#include "decode/ioctl_args.def"
#undef IOCTL
};

}  // namespace

void resolve_ioctl(Builder& b, size_t request) {
  const auto word = static_cast<uint32_t>(b.word(request));
  const size_t arg = request + 1;
  static_assert(std::ranges::is_sorted(kIoctls, {}, &IoctlRow::request));
  const auto row = std::ranges::lower_bound(kIoctls, word, {}, &IoctlRow::request);
  if (row != std::end(kIoctls) && row->request == word)
    return b.set(arg, ArgSpec{row->kind, row->aux});
  if (has_size_in_name(word)) return b.set(arg, ArgKind::Pointer);
  const auto names = ioctl_names(word);
  if (names.empty()) return;
  if (names.front().arg == IoctlArg::Nothing) return b.cut(arg);
  if (names.front().arg == IoctlArg::Address) b.set(arg, ArgKind::Pointer);
}

}  // namespace wc
