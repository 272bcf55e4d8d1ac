// What references to the functions of a program's libraries bind to, as ld.so(8) looks them up: by
// name and version, in load order. Pure: files that have been read, no I/O.
//
// A definition without a version takes every reference, and hides what stands behind it; one with
// a version takes those that ask for it. A reference without a version takes the first library that
// has a default version, or its oldest one, hidden or not; dlsym(3) takes default versions only.
// Source: do_lookup_x and check_match in glibc's elf/dl-lookup.c.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "elf/image.h"

namespace wc {

using Images = std::vector<std::shared_ptr<const Image>>;

struct Definition {
  const ExportedFunction* function = nullptr;
  bool takes_newest = false;       // what dlsym(3) gives
  bool takes_unversioned = false;  // hidden, and yet what a reference without a version gets
};

// The definitions of one function in one library that references can reach.
struct BoundFunction {
  std::string_view name;
  const Image* library = nullptr;
  std::vector<Definition> definitions;
  // It is what references to libc's function of this name get: libc's own, or another library's
  // (an allocator's) that takes its place.
  bool is_libcs = false;
  bool is_late = false;  // no library has it at the start: dlopen may bring one that does
};

// `start`: what is there when the program begins, in load order; `late`: what dlopen may bring. The
// images must have their functions, and outlive the result. ld.so itself counts for nothing.
std::vector<BoundFunction> bind_functions(const Images& start, const Images& late);

}  // namespace wc
