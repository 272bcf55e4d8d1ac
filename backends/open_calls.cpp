#include "open_calls.h"

#include <algorithm>

namespace wc::backends {

void OpenCalls::enter(int32_t tid, uint32_t depth, const OpenCall& call) {
  std::vector<OpenCall>& calls = threads_[tid];
  if (calls.size() > depth) calls.resize(depth);
  calls.push_back(call);
}

std::span<const OpenCall> OpenCalls::up_to(int32_t tid, uint64_t id) {
  const auto thread = threads_.find(tid);
  if (thread == threads_.end()) return {};
  std::vector<OpenCall>& calls = thread->second;
  const auto found = std::find_if(calls.rbegin(), calls.rend(),
                                  [id](const OpenCall& call) { return call.id == id; });
  if (found == calls.rend()) return {};
  calls.erase(found.base(), calls.end());
  return calls;
}

void OpenCalls::leave(int32_t tid) {
  const auto thread = threads_.find(tid);
  if (thread == threads_.end() || thread->second.empty()) return;
  thread->second.pop_back();
}

void OpenCalls::forget_process(int32_t pid) {
  std::erase_if(threads_, [pid](const auto& thread) {
    return !thread.second.empty() && thread.second.front().pid == pid;
  });
}

void OpenCalls::for_each(const Ended& visit) const {
  for (const auto& [tid, calls] : threads_)
    for (size_t i = 0; i < calls.size(); ++i) visit(calls[i], std::span(calls).first(i));
}

}  // namespace wc::backends
