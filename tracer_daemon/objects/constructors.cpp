#include "objects/constructors.h"

#include <elf.h>

namespace wc {
namespace {

struct InitTags {
  uint64_t init = 0, array = 0, array_size = 0;
};

// ld.so leaves these three as they are in the file.
InitTags read_tags(TraceeMemory& memory, uint64_t dynamic) {
  constexpr size_t kMost = 128;  // tags; a library has some 30
  InitTags tags;
  for (size_t i = 0; i < kMost; i++) {
    Elf64_Dyn tag{};
    if (!memory.read_all({dynamic + i * sizeof tag}, &tag, sizeof tag) || tag.d_tag == DT_NULL)
      break;
    if (tag.d_tag == DT_INIT) tags.init = tag.d_un.d_ptr;
    if (tag.d_tag == DT_INIT_ARRAY) tags.array = tag.d_un.d_ptr;
    if (tag.d_tag == DT_INIT_ARRAYSZ) tags.array_size = tag.d_un.d_val;
  }
  return tags;
}

}  // namespace

uint64_t first_constructor(TraceeMemory& memory, uint64_t base, uint64_t dynamic) {
  if (dynamic == 0) return 0;
  const InitTags tags = read_tags(memory, dynamic);
  if (tags.init != 0) return base + tags.init;
  uint64_t first = 0;
  if (tags.array == 0 || tags.array_size < sizeof first) return 0;
  if (!memory.read_all({base + tags.array}, &first, sizeof first)) return 0;
  return first;
}

}  // namespace wc
