// In place of the engine, where what it is built with is missing.
#include "bpf/bpf_engine.h"

namespace wc {

Status bpf_is_built() {
  return Error{
      "engine bpf: this build does not have it; install clang, bpftool and libbpf-dev, and build "
      "again",
      0};
}

Result<std::unique_ptr<TraceEngine>> make_bpf_engine(BpfOptions, Pipeline&) {
  return bpf_is_built().error();
}

}  // namespace wc
