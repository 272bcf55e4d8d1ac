#include "compare/peers.h"

#include <dlfcn.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <link.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>

namespace wc::compare {
namespace {

enum class Needs { Nothing, Syscalls, Probes };

struct Peer {
  std::string_view name;
  std::string_view executable;
  TraceFormat format;
  Needs needs;
  measure::ExitStatus exit_status;
  // {trace} a file, {syscalls} names with commas, {script} a shell script that runs the program,
  // {probes} a bpftrace program, {program} the program's words.
  std::array<std::string_view, 8> arguments;
};

constexpr auto kOfProgram = measure::ExitStatus::OfProgram;
constexpr auto kOfTool = measure::ExitStatus::OfTool;

constexpr Peer kPeers[] = {
    {"strace -f",
     "strace",
     TraceFormat::Strace,
     Needs::Nothing,
     kOfProgram,
     {"-f", "-o", "{trace}", "--", "{program}"}},
    {"strace -f --seccomp-bpf, same calls",
     "strace",
     TraceFormat::Strace,
     Needs::Syscalls,
     kOfProgram,
     {"-f", "--seccomp-bpf", "-e", "trace={syscalls}", "-o", "{trace}", "--", "{program}"}},
    {"strace -f -k",
     "strace",
     TraceFormat::StraceStacks,
     Needs::Nothing,
     kOfProgram,
     {"-f", "-k", "-o", "{trace}", "--", "{program}"}},
    {"ltrace -f -S",
     "ltrace",
     TraceFormat::Ltrace,
     Needs::Nothing,
     kOfTool,
     {"-f", "-S", "-o", "{trace}", "--", "{program}"}},
    {"perf trace",
     "perf",
     TraceFormat::PerfTrace,
     Needs::Nothing,
     kOfTool,
     {"trace", "-o", "{trace}", "--", "{program}"}},
    {"bpftrace: uprobes, raw_syscalls",
     "bpftrace",
     TraceFormat::Bpftrace,
     Needs::Probes,
     kOfTool,
     {"-o", "{trace}", "-c", "/bin/sh {script}", "-e", "{probes}"}},
};

void replace(std::string& text, std::string_view what, const std::string& with) {
  const std::size_t at = text.find(what);
  if (at != std::string::npos) text.replace(at, what.size(), with);
}

// Scopes by uprobes on the functions that made system calls in the scoped runs, in this program and
// its children. 335 and 336 are uretprobe(2) and uprobe(2), which the probes themselves cause.
std::string probes_for(const std::set<std::string>& functions, const Surroundings& surroundings) {
  std::vector<std::string> enter, leave;
  for (const std::string& function : functions) {
    for (const std::string& name : surroundings.names_in_libc(function)) {
      enter.push_back(fmt::format("uprobe:{}:{}", surroundings.libc, name));
      leave.push_back(fmt::format("uretprobe:{}:{}", surroundings.libc, name));
    }
  }
  if (enter.empty()) return {};
  return fmt::format(
      "{} /pid == cpid || @child[pid]/ {{ @depth[tid] = @depth[tid] + 1; @in[tid] = probe; }} "
      "{} /@depth[tid]/ {{ @depth[tid] = @depth[tid] - 1; }} "
      "tracepoint:raw_syscalls:sys_enter /@depth[tid] && args->id != 335 && args->id != 336/ "
      "{{ printf(\"%d %s %d\\n\", tid, @in[tid], args->id); }} "
      "tracepoint:sched:sched_process_fork /pid == cpid || @child[pid]/ "
      "{{ @child[args->child_pid] = 1; }} "
      "END {{ clear(@depth); clear(@in); clear(@child); }}",
      fmt::join(enter, ","), fmt::join(leave, ","));
}

class Builder {
 public:
  Builder(const std::vector<std::string>& program, const SameEvents& same,
          const Surroundings& surroundings, const std::string& folder)
      : program_(program),
        trace_(folder + "/trace"),
        script_(folder + "/script"),
        syscalls_(fmt::format("{}", fmt::join(same.syscalls, ","))),
        probes_(probes_for(same.functions, surroundings)),
        is_root_(surroundings.is_root) {}

  [[nodiscard]] Entry entry(const Peer& peer) const {
    Entry entry;
    entry.kind = Kind::Peer;
    entry.format = peer.format;
    entry.variant.name = peer.name;
    entry.variant.trace_file = trace_;
    entry.variant.skipped = why_not(peer);
    entry.variant.exit_status = peer.exit_status;
    entry.count_file = trace_;
    // Its own limit on probes is 512.
    if (peer.needs == Needs::Probes) entry.variant.command = {"env", "BPFTRACE_MAX_PROBES=4096"};
    entry.variant.command.emplace_back(peer.executable);
    for (const std::string_view argument : peer.arguments) append(argument, entry.variant.command);
    return entry;
  }

 private:
  [[nodiscard]] std::string why_not(const Peer& peer) const {
    if (peer.needs == Needs::Syscalls && syscalls_.empty()) {
      return "scoped tracing has reported no system call";
    }
    if (peer.needs != Needs::Probes) return {};
    if (!is_root_) return "needs root";
    return probes_.empty() ? "scoped tracing has reported no function of libc" : "";
  }

  void append(std::string_view argument, std::vector<std::string>& words) const {
    if (argument.empty()) return;
    if (argument == "{program}") {
      words.insert(words.end(), program_.begin(), program_.end());
      return;
    }
    std::string word(argument);
    replace(word, "{trace}", trace_);
    replace(word, "{script}", script_);
    replace(word, "{syscalls}", syscalls_);
    replace(word, "{probes}", probes_);
    words.push_back(std::move(word));
  }

  const std::vector<std::string>& program_;
  std::string trace_, script_, syscalls_, probes_;
  bool is_root_;
};

bool in_path(const std::string& name) {
  const char* path = std::getenv("PATH");
  std::string folders = path != nullptr ? path : "/usr/local/bin:/usr/bin:/bin";
  for (std::size_t begin = 0; begin <= folders.size();) {
    const std::size_t end = std::min(folders.find(':', begin), folders.size());
    const std::string file = folders.substr(begin, end - begin) + "/" + name;
    if (access(file.c_str(), X_OK) == 0) return true;
    begin = end + 1;
  }
  return false;
}

std::set<std::string> names_of(const std::string& function) {
  std::set<std::string> names;
  std::set<void*> places;
  for (const std::string& name : {function, "__" + function + "_chk", function + "64"}) {
    void* const place = dlsym(RTLD_DEFAULT, name.c_str());
    if (place != nullptr && places.insert(place).second) names.insert(name);
  }
  return names;
}

}  // namespace

Surroundings this_machine() {
  Surroundings here;
  here.is_installed = in_path;
  here.is_root = geteuid() == 0;
  Dl_info libc{};
  if (dladdr(reinterpret_cast<void*>(&std::getenv), &libc) != 0) here.libc = libc.dli_fname;
  here.names_in_libc = names_of;
  return here;
}

std::vector<Entry> peer_entries(const std::vector<std::string>& program, const SameEvents& same,
                                const Surroundings& surroundings, const std::string& folder) {
  const Builder builder(program, same, surroundings, folder);
  std::vector<Entry> entries;
  for (const Peer& peer : kPeers) {
    if (!surroundings.is_installed(std::string(peer.executable))) continue;
    entries.push_back(builder.entry(peer));
  }
  return entries;
}

std::vector<std::string> peer_executables() {
  std::vector<std::string> names;
  for (const Peer& peer : kPeers) {
    if (names.empty() || names.back() != peer.executable) names.emplace_back(peer.executable);
  }
  return names;
}

std::string script_text(const std::vector<std::string>& program) {
  std::string text = "exec";
  for (const std::string& word : program) {
    text += " '";
    for (const char c : word) text += c == '\'' ? std::string("'\\''") : std::string(1, c);
    text += "'";
  }
  return text + "\n";
}

}  // namespace wc::compare
