// A process may be started without standard input, output or error (`2>&-`). Then the next file
// that it opens takes the place, and what is meant for people is written into that.
#pragma once

namespace wc {

// Puts a placeholder, which can be neither read nor written, into each of the three that is closed.
// It does not survive an exec: the program is started without them, as it would be without the
// tracer.
void hold_standard_streams();

// Where a line for people goes: standard error; where that is closed and the program has not begun,
// standard output.
int stream_for_messages();

// From here on standard output is the program's alone.
void leave_standard_output_to_the_program();

}  // namespace wc
