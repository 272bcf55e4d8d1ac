#include "events/kept_call.h"

namespace wc {

KeptCall::KeptCall(const wc_call& event)
    : event_(event),
      args_(event.args, event.args + event.nargs),
      frames_(event.frames, event.frames + event.frame_count) {
  event_.function = keep(event.function);
  event_.symbol = keep(event.symbol);
  event_.library = keep(event.library);
  event_.args_text = keep(event.args_text);
  event_.caller = keep(event.caller);
  for (wc_arg& arg : args_) {
    if (arg.text == nullptr) continue;
    // A string of the program may hold zero bytes.
    texts_.emplace_back(arg.type == WC_ARG_STRING ? std::string(arg.text, arg.length) : arg.text);
    arg.text = texts_.back().c_str();
  }
  for (wc_stack_frame& frame : frames_) frame.at = keep(frame.at);
  event_.args = args_.data();
  event_.frames = frames_.data();
}

const char* KeptCall::keep(const char* text) {
  return text == nullptr ? nullptr : texts_.emplace_back(text).c_str();
}

wc_caller KeptCall::keep(wc_caller caller) {
  caller.object = keep(caller.object);
  caller.symbol = keep(caller.symbol);
  caller.file = keep(caller.file);
  return caller;
}

}  // namespace wc
