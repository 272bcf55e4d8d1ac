// Names of errors and signals.
#include <cstring>
#include <iterator>

#include "decode/args.h"

namespace wc {
namespace {

struct KernelError {
  int code;
  std::string_view name;
  std::string_view text;
};

// Kernel-internal errors: a tracer sees them, no program does (include/linux/errno.h). Texts are
// strace's.
constexpr KernelError kKernelErrors[] = {
    {512, "ERESTARTSYS", "To be restarted if SA_RESTART is set"},
    {513, "ERESTARTNOINTR", "To be restarted"},
    {514, "ERESTARTNOHAND", "To be restarted if no handler"},
    {515, "ENOIOCTLCMD", "No ioctl command"},
    {516, "ERESTART_RESTARTBLOCK", "Interrupted by signal"},
    {517, "EPROBE_DEFER", "Driver requests probe retry"},
    {518, "EOPENSTALE", "Open found a stale dentry"},
    {519, "ENOPARAM", "Parameter not supported"},
    {521, "EBADHANDLE", "Illegal NFS file handle"},
    {522, "ENOTSYNC", "Update synchronization mismatch"},
    {523, "EBADCOOKIE", "Cookie is stale"},
    {524, "ENOTSUPP", "Operation is not supported"},
    {525, "ETOOSMALL", "Buffer or request is too small"},
    {526, "ESERVERFAULT", "An untranslatable error occurred"},
    {527, "EBADTYPE", "Type not supported by server"},
    {528, "EJUKEBOX", "Request initiated, but will not complete before timeout"},
    {529, "EIOCBQUEUED", "iocb queued, will get completion event"},
    {530, "ERECALLCONFLICT", "Conflict with recalled state"},
};

const KernelError* kernel_error(int code) {
  for (const KernelError& error : kKernelErrors) {
    if (error.code == code) return &error;
  }
  return nullptr;
}

constexpr int kFirstRealtime = 32;  // the kernel's SIGRTMIN; glibc keeps the first two to itself
constexpr int kLastRealtime = 64;

constexpr std::string_view kSignals[kFirstRealtime + 1] = {
    "",         "SIGHUP",  "SIGINT",    "SIGQUIT", "SIGILL",  "SIGTRAP",   "SIGABRT",
    "SIGBUS",   "SIGFPE",  "SIGKILL",   "SIGUSR1", "SIGSEGV", "SIGUSR2",   "SIGPIPE",
    "SIGALRM",  "SIGTERM", "SIGSTKFLT", "SIGCHLD", "SIGCONT", "SIGSTOP",   "SIGTSTP",
    "SIGTTIN",  "SIGTTOU", "SIGURG",    "SIGXCPU", "SIGXFSZ", "SIGVTALRM", "SIGPROF",
    "SIGWINCH", "SIGIO",   "SIGPWR",    "SIGSYS",  "SIGRTMIN"};

}  // namespace

std::string_view errno_name(int code) {
  constexpr int kNotSupported = 95;  // glibc says ENOTSUP, the kernel and strace EOPNOTSUPP
  if (code == kNotSupported) return "EOPNOTSUPP";
  if (const KernelError* error = kernel_error(code)) return error->name;
  const char* name = code == 0 ? nullptr : strerrorname_np(code);
  return name != nullptr ? name : std::string_view{};
}

std::string_view errno_text(int code) {
  if (const KernelError* error = kernel_error(code)) return error->text;
  const char* text = strerrordesc_np(code);
  return text != nullptr ? text : std::string_view{};
}

void append_signal(std::string& out, int32_t signal) {
  if (signal > 0 && signal <= kFirstRealtime) {
    out += kSignals[signal];
  } else if (signal > kFirstRealtime && signal <= kLastRealtime) {
    out += "SIGRT_";
    append_dec(out, signal - kFirstRealtime);
  } else {
    append_dec(out, signal);
  }
}

std::string signal_name(int signal) {
  std::string out;
  append_signal(out, signal);
  return out;
}

}  // namespace wc
