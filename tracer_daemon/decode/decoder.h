// Turns raw argument words into text as strace prints them, and into typed
// values for structured backends. Table-driven: syscalls.def and the catalog
// give an ArgSpec for each argument, one function a kind does the rest.
#pragma once

#include <cerrno>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/syscall_number.h"
#include "base/tracee_memory.h"
#include "decode/arg_kind.h"

namespace wc {

struct SyscallSpec {
  uint32_t nr = 0;
  std::string_view name;
  uint8_t arg_count = 0;
  ArgSpec args[6];
  ArgSpec result;
  uint32_t classes = 0;  // OR of SyscallClass (syscall_classes.h)
};

// Never nullptr: a syscall without a row gets six hexadecimal arguments and its
// name from libseccomp, or "syscall_0x1ff" when even that does not know it; those of the 32-bit
// entry are "i386_getpid".
const SyscallSpec& syscall_spec(uint32_t nr);

// All rows of syscalls.def, sorted by number (--list-syscalls).
std::span<const SyscallSpec> syscall_rows();

// The number of a name, or -1.
int32_t syscall_number(std::string_view name);

struct DecodeOptions {
  uint32_t string_size = 32;    // -s
  bool show_paths = false;      // -y
  bool show_addresses = false;  // -yy: of sockets; with show_paths
};

// What a decoder may ask about the tracee.
struct DecodeContext {
  TraceeMemory& memory;
  const DecodeOptions& options;
  int32_t pid = 0;  // for -y: /proc/PID/fd
};

// A decoded argument. `text` is what strace would print; for strings `data` holds the bytes as
// they are (for JSON) and is_string is set. Where it is not, `data` belongs to the decoder, which
// may keep there between entry and exit what the call is about to overwrite.
struct DecodedArg {
  std::string text;
  std::string data;
  bool is_string = false;
  bool is_open = false;  // at entry: something will be added when the call comes back
};

// Which arguments are printed, in which order, decoded how: corrects a row by the values of its
// arguments (fcntl, futex, ioctl, open without O_CREAT, ...).
struct ArgSlot {
  ArgSpec spec;
  uint8_t word = 0;  // index into the words
};
struct ArgList {
  ArgSlot slots[kMaxArgs];
  uint8_t count = 0;
};
ArgList resolve_args(std::span<const ArgSpec> specs, std::span<const uint64_t> words);

// Decodes arguments at entry. Arguments that the call writes (...Out kinds) are left empty and
// decoded by decode_exit_args. `words` are the six raw registers (more for library calls).
// `out` holds the arguments as strace prints them, which may be fewer than `specs` (open without
// O_CREAT has no mode) or in another order (clone).
void decode_entry_args(const DecodeContext& context, std::span<const ArgSpec> specs,
                       std::span<const uint64_t> words, std::vector<DecodedArg>& out);

// As `ret` of decode_exit_args: nobody knows what the kernel did, so that what it would have
// written is not shown.
inline constexpr uint64_t kUnknownResult = static_cast<uint64_t>(-EFAULT);

// Fills in what could not be known at entry. `ret` is the raw kernel result (or the function's
// rax); where the call failed, out-arguments are printed as addresses, as strace does.
// `result` tells how to interpret `ret`.
void decode_exit_args(const DecodeContext& context, std::span<const ArgSpec> specs,
                      std::span<const uint64_t> words, const ArgSpec& result, uint64_t ret,
                      std::vector<DecodedArg>& inout);

// "3", "-1 ENOENT (No such file or directory)", "0x7f...", "\"text\"". Kernel results: -4095..-1
// are errors. strace shows ERESTARTSYS as "? ERESTARTSYS (To be restarted if SA_RESTART is set)".
std::string decode_syscall_result(const DecodeContext& context, const ArgSpec& result,
                                  uint64_t ret);
// The same with what strace adds for some calls, which needs their arguments:
// "1 ([{fd=3, revents=POLLIN}])", "0 (Timeout)", "0x8002 (flags O_RDWR|O_LARGEFILE)".
std::string decode_syscall_result(const DecodeContext& context, const SyscallSpec& spec,
                                  std::span<const uint64_t> words, uint64_t ret);

// Library results: -1/NULL are failures only where `result` says so; `error` is the errno the
// shim saw (0 when unknown).
std::string decode_call_result(const DecodeContext& context, const ArgSpec& result, uint64_t ret,
                               int32_t error);

// printf-style arguments after a Format argument. `next_word(i)` style access is given by
// `words`: the integer-class variadic arguments in order; floating ones are printed as they come
// from `doubles` (empty when not captured: "?"). Appends one DecodedArg for each conversion.
void decode_format_args(const DecodeContext& context, std::string_view format,
                        std::span<const uint64_t> words, std::span<const double> doubles,
                        std::vector<DecodedArg>& out);

// Joins texts with ", ".
std::string join_args(std::span<const DecodedArg> args);
void join_args(std::span<const DecodedArg> args, std::string& out);
// The same up to what the call will add: "3, " of a read(2).
std::string join_known_args(std::span<const DecodedArg> args);

// Quotes and escapes as strace does: "a\n\33[0m"..., octal escapes as short as they can be.
// `limit` bytes at most are shown, "..." appended when `truncated` or longer.
std::string quote(std::string_view bytes, uint32_t limit, bool truncated = false);

// "ENOENT" / "No such file or directory"; empty when unknown.
std::string_view errno_name(int code);
std::string_view errno_text(int code);
// "SIGINT", "SIGRTMIN", "SIGRT_3"; the number where there is no such signal.
std::string signal_name(int signal);
// strace's "{si_signo=SIGINT, si_code=SI_USER, si_pid=1, si_uid=0}" from the 128 raw bytes.
std::string siginfo_text(const void* siginfo);

}  // namespace wc
