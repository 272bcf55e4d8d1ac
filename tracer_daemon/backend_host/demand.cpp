#include "backend_host/demand.h"

namespace wc {

bool hears_events(const wc_backend& callbacks) {
  return callbacks.call != nullptr || callbacks.ret != nullptr ||
         callbacks.syscall_enter != nullptr || callbacks.syscall_exit != nullptr ||
         callbacks.process != nullptr || callbacks.object != nullptr ||
         callbacks.totals != nullptr || callbacks.raw != nullptr;
}

void Demand::add(const wc_backend& callbacks, uint32_t wants) {
  const bool keeps = (wants & WC_WANT_RAW) != 0;
  all |= wants;
  has_audience = has_audience || keeps || callbacks.call != nullptr || callbacks.ret != nullptr ||
                 callbacks.syscall_enter != nullptr || callbacks.syscall_exit != nullptr;
  if (keeps) return;
  heard |= wants;
  is_heard = is_heard || hears_events(callbacks);
}

}  // namespace wc
