// What cannot be handled (no memory, no thread, a fault of the tracer) ends it, but not without a
// line that says so, and with the status that means "the tracer failed".
#pragma once

#include <functional>

namespace wc {

// Runs it; an exception becomes a line on standard error and status 125. So does one on any other
// thread from here on, but that ends the process at once.
int with_last_words(const std::function<int()>& work);

// Runs it on a stack of its own where the limit for stacks (ulimit -s) leaves less than the
// libraries that read debug information need. Threads made from here on have enough in any case,
// and no more than that: their stacks count as data (ulimit -d).
int on_large_stack(const std::function<int()>& work);

}  // namespace wc
