// Backend "policy": rules that allow what was seen, written at the end of the run. By default an
// INI file for --config, with a rule for each function; by=library: for each object whose code made
// the outermost calls; format=seccomp: a profile for OCI runtimes.
#include "builtin.h"
#include "forward.h"
#include "policy_record.h"
#include "policy_text.h"
#include "sink.h"

namespace wc::backends {

namespace {

class PolicyBackend {
 public:
  PolicyBackend(const wc_host& host, PolicyRecord::By by, bool is_seccomp)
      : sink_(host), record_(by), is_seccomp_(is_seccomp) {}

  PolicyRecord& record() { return record_; }
  void close() {
    // A late event of a process that has ended, whose file has its policy already.
    if (sink_.host().one_process != 0 && record_.is_blank()) return;
    if (is_seccomp_)
      append_policy_seccomp(sink_.buffer(), record_);
    else
      append_policy_ini(sink_.buffer(), record_, sink_.host());
    sink_.send();
  }

 private:
  Sink sink_;
  PolicyRecord record_;
  bool is_seccomp_;
};

int open_policy(void** context, const wc_host* host, char* error, size_t size) {
  const Sink sink(*host);
  const std::string_view by = sink.option("by"), format = sink.option("format");
  if (!by.empty() && by != "function" && by != "library")
    return open_error(error, size, "option 'by' takes function or library");
  if (!format.empty() && format != "ini" && format != "seccomp")
    return open_error(error, size, "option 'format' takes ini or seccomp");
  const bool is_seccomp = format == "seccomp";
  if (is_seccomp && by == "function")
    return open_error(error, size,
                      "a seccomp filter knows no functions; leave out by=function, or "
                      "format=seccomp");
  const bool is_by_object = is_seccomp || by == "library";
  // Functions that made no system call are in the totals only; whose code made a call, in callers.
  if (host->want != nullptr)
    host->want(host->handle, is_by_object ? WC_WANT_CALLER : WC_WANT_COUNTS);
  *context = new PolicyBackend(
      *host, is_by_object ? PolicyRecord::By::Object : PolicyRecord::By::Function, is_seccomp);
  return 0;
}

PolicyRecord& record(void* context) { return static_cast<PolicyBackend*>(context)->record(); }

}  // namespace

const wc_backend* policy_backend() {
  static constexpr wc_backend kPolicy = {
      .abi = WC_BACKEND_ABI,
      .struct_size = sizeof(wc_backend),
      .name = "policy",
      .options = "by format",
      .open = open_policy,
      .call = [](void* context, const wc_call* event) { record(context).call(*event); },
      .syscall_exit = [](void* context,
                         const wc_syscall* event) { record(context).syscall(*event); },
      .ret = [](void* context, const wc_return* event) { record(context).ret(*event); },
      .process = [](void* context, const wc_process* event) { record(context).process(*event); },
      .lost = [](void* context, const wc_lost* event) { record(context).lost(*event); },
      .totals = [](void* context, const wc_totals* event) { record(context).totals(*event); },
      .close = close_and_delete<PolicyBackend>,
  };
  return &kPolicy;
}

}  // namespace wc::backends
