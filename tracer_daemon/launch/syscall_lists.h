// The half of --list-classes that is about system calls: the classes of functions have the same
// names in the code, so that both do not go into one file.
#pragma once

#include <string>

namespace wc {

// "system calls (-e):" and a line for each class: name, how many, meaning.
std::string syscall_class_rows();

}  // namespace wc
