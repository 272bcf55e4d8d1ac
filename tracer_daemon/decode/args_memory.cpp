// Memory: what mincore reports.
#include <algorithm>

#include "decode/args.h"

namespace wc {

void decode_memory(const Arg& arg, DecodedArg& to) {
  constexpr uint64_t kPageSize = 4096;
  if (arg.spec.kind != ArgKind::MincoreOut) return append_pointer(to.text, arg.word);
  const uint64_t length = arg.aux_word();
  const uint64_t pages = length / kPageSize + (length % kPageSize != 0 ? 1 : 0);
  append_array(to.text, arg.context, arg.word, pages, 1,
               [](std::string& text, const std::byte* at) {
                 append_udec(text, std::to_integer<uint64_t>(*at) & 1);
               });
}

}  // namespace wc
