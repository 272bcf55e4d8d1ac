// Memory policies and where pages are: node masks, vectors of addresses, nodes and errors.
#include <algorithm>
#include <cstdio>
#include <cstring>

#include "decode/args.h"

namespace wc {
namespace {

// The kernel takes one bit less than it is told, and never more than a page of them.
void append_node_mask(const Arg& arg, std::string& out) {
  constexpr uint64_t kBits = 64, kMost = 4096 / sizeof(uint64_t);
  constexpr int kDigits = 16;
  const uint64_t nodes = arg.aux_word();
  if (nodes > UINT64_MAX - kBits || (nodes + kBits - 2) / kBits > kMost)
    return append_pointer(out, arg.word);
  append_array(out, arg.context, arg.word, (nodes + kBits - 2) / kBits, sizeof(uint64_t),
               [](std::string& to, const std::byte* at) {
                 char digits[kDigits * 2];  // %#0*lx: zero has no prefix
                 to.append(digits, static_cast<size_t>(std::snprintf(
                                       digits, sizeof digits, "%#0*lx", kDigits,
                                       static_cast<unsigned long>(load<uint64_t>(at)))));
               });
}

void append_policy(const Arg& arg, std::string& out) {
  constexpr uint64_t kNode = 1;  // MPOL_F_NODE: a node, or a policy's next node
  int32_t policy = 0;
  if (!fetch_or_address(arg, policy, out)) return;
  out += '[';
  if ((arg.aux_word() & kNode) != 0)
    append_dec(out, policy);
  else
    append_flags(out, FlagTable::MempolicyMode, static_cast<uint32_t>(policy));
  out += ']';
}

// A node, or an error where the page is not there: [0, -ENOENT].
void append_page_status(std::string& out, const std::byte* at) {
  const auto status = load<int32_t>(at);
  const std::string_view name =
      status < 0 && status > INT32_MIN ? errno_name(-status) : std::string_view{};
  if (name.empty()) return append_dec(out, status);
  out += '-';
  out += name;
}

}  // namespace

void decode_numa(const Arg& arg, DecodedArg& to) {
  std::string& out = to.text;
  const auto array = [&](uint64_t count, size_t size, auto print) {
    append_array(out, arg.context, arg.word, count, size, print);
  };
  switch (arg.spec.kind) {
    case ArgKind::NodeMask:
    case ArgKind::NodeMaskOut:
      return append_node_mask(arg, out);
    case ArgKind::PolicyOut:
      return append_policy(arg, out);
    case ArgKind::Addresses:
      return array(arg.aux_word(), sizeof(uint64_t), [](std::string& text, const std::byte* at) {
        append_pointer(text, load<uint64_t>(at));
      });
    case ArgKind::Ints:
      return array(arg.aux_word(), sizeof(int32_t), [](std::string& text, const std::byte* at) {
        append_dec(text, load<int32_t>(at));
      });
    case ArgKind::PageStatusOut:
      if (arg.failed && arg.aux_word() != 0) return append_pointer(out, arg.word);
      return array(arg.aux_word(), sizeof(int32_t), append_page_status);
    case ArgKind::UlongsOut:
      return array(arg.ret, sizeof(uint64_t), [](std::string& text, const std::byte* at) {
        append_hex(text, load<uint64_t>(at));
      });
    default:
      return append_pointer(out, arg.word);
  }
}

}  // namespace wc
