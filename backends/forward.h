// Callbacks of the interface in C for a backend that is a class: its instance is the context.
#pragma once

namespace wc::backends {

template <auto method>
struct Forwarded;
template <typename Backend, typename Event, void (Backend::*method)(const Event&)>
struct Forwarded<method> {
  static void callback(void* context, const Event* event) {
    (static_cast<Backend*>(context)->*method)(*event);
  }
};

// For `.call = forward<&Backend::call>`, and the other callbacks that get one event.
template <auto method>
inline constexpr auto forward = &Forwarded<method>::callback;

// For `.close`, of one that has something to write at its end.
template <typename Backend>
void close_and_delete(void* context) {
  auto* backend = static_cast<Backend*>(context);
  backend->close();
  delete backend;
}

}  // namespace wc::backends
