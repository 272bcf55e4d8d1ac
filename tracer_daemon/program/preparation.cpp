#include "program/preparation.h"

#include <sys/stat.h>
#include <sys/user.h>

#include <cerrno>
#include <utility>
#include <vector>

#include "elf/loader_command.h"
#include "proc/files.h"
#include "proc/process.h"
#include "proc/status.h"
#include "program/preload_trial.h"
#include "protocol/stub.h"

namespace wc {
namespace {

// A program that is about to run, as its libraries are looked for.
struct NewProgram {
  Image image;
  std::optional<std::string> library_path;  // instead of LD_LIBRARY_PATH
};

// As the process sees it: it may have another root folder than the tracer, and another current one.
std::string seen_by(pid_t pid, const std::string& path) {
  return proc::path_of(pid, path.starts_with('/') ? "root" + path : "cwd/" + path);
}

std::string absolute(pid_t pid, const std::string& path) {
  return path.starts_with('/') ? path : proc::link_target(proc::path_of(pid, "cwd")) + "/" + path;
}

std::vector<std::string> command_line(pid_t pid) {
  constexpr size_t kMost = 1 << 20;
  std::vector<std::string> words;
  auto text = proc::read_file(proc::path_of(pid, "cmdline"), kMost);
  if (!text) return words;
  for (size_t at = 0; at < text->size(); at += words.back().size() + 1)
    words.emplace_back(text->c_str() + at);
  return words;
}

// Nothing: ld.so was started to list something, and runs no program.
Result<std::optional<NewProgram>> look_through_loader(pid_t pid, const std::string& loader) {
  LoaderCommand command = parse_loader_command(command_line(pid));
  if (command.program.empty()) return std::optional<NewProgram>();
  if (command.program.find('/') == std::string::npos)
    return Error{"was told to search for the program " + command.program + " itself", 0};
  auto image = read_image(seen_by(pid, command.program), false);
  if (!image && image.error().code == ENOENT) return std::optional<NewProgram>();  // it says so
  if (!image) return Error{"cannot start " + image.error().message, 0};
  image->path = absolute(pid, command.program);
  start_through(command, loader, *image);
  return std::optional(NewProgram{std::move(*image), command.library_path});
}

}  // namespace

// The value of LD_PRELOAD with libraries that the program can load: ld.so complains in the
// program's name of what it cannot open.
Result<std::string> Preparation::readable_preload(const Process& process, LibraryReader reader,
                                                  const ProgramTables::Prepared& prepared) {
  std::string value = prepared.ld_preload;
  for (const std::string& library : {prepared.table->stub_path, run_.options.shim_path}) {
    auto path = copies_.path_for(library, reader);
    if (!path) return path.error();
    struct stat there {};
    std::string seen = proc::path_of(process.pid, "root" + *path);
    if (stat(seen.c_str(), &there) != 0)
      return Error{"sees other folders (chroot, mount namespace)", ENOENT};
    value.replace(value.rfind(library), library.size(), *path);
  }
  return value;
}

void Preparation::prepare(const StoppedThread& stop, Thread& thread) {
  Process& process = *thread.process;
  bool first = !process.started && process.pid == first_.pid;
  std::string path = proc::exe_path(process.pid);
  auto give_up = [&](const std::string& why) {
    user_regs_struct regs{};
    if (!stop.registers(regs)) return;  // it was killed meanwhile
    unwrapped_.leave(path, why);
  };
  auto image = read_image(proc::path_of(process.pid, "exe"), false);
  if (!image) return give_up("cannot be read: " + image.error().message);
  image->path = path;
  NewProgram program{std::move(*image), std::nullopt};
  if (is_loader(program.image)) {
    auto found = look_through_loader(process.pid, path);
    if (!found) return give_up(found.error().message);
    if (!*found) return;
    program = std::move(**found);
    path = program.image.path;
  }
  if (std::string why = refusal(program.image); !why.empty()) return give_up(why);
  auto stack = read_exec_stack(stop, process.memory);
  if (!stack) return give_up(stack.error().message);
  if (stack->lists_libraries) return;  // ldd(1): the tool's are none of the program's
  if (stack->secure) return give_up("gains rights by its exec and loads no foreign libraries");
  auto prepared =
      tables_.prepare(program.image, program.library_path.value_or(stack->ld_library_path),
                      stack->ld_preload, first);
  if (!prepared) {
    // Whoever serves waits for the programs to come.
    if (!first || run_.options.standing) return give_up(prepared.error().message);
    failure_ = prepared.error();
    return run_.say(1, path + " " + prepared.error().message + "; not wrapped");
  }
  auto status = proc::read_status(process.pid);
  if (!status) return give_up(status.error().message);
  LibraryReader reader{status->uid.file_system, status->gid.file_system};
  auto value = readable_preload(process, reader, *prepared);
  if (!value) return give_up(value.error().message);
  bool is_free = status->seccomp == 0 && run_.options.shared_memory.is_memfd();
  if (auto set =
          set_ld_preload(stop, process.memory, *stack, *value, is_free ? WC_PRELOAD_FREE : 0);
      !set)
    return give_up(set.error().message);
  process.table = prepared->table;
  process.program = path;
  process.awaits_hello = true;
  if (needs_trial(*status)) {
    std::string last = value->substr(value->find_last_of(": ") + 1);
    process.preload_trial = {std::move(last), stack->sp};
    thread.begins = true;
  }
  if (program.image.is_go && !run_.options.whole_process) report_go_program(path, first);
  run_.say(2, path + ": " + std::to_string(process.table->functions.size()) + " functions wrapped");
}

// Go's runtime makes its system calls itself, also where it is linked to libc for some packages.
void Preparation::report_go_program(const std::string& path, bool is_first) {
  if (!is_first) return unwrapped_.note(path, "Go: only what its C code calls is seen");
  run_.say(0,
           path +
               " is a Go program, which makes its system calls itself: only those that its C code "
               "makes by libc's functions are reported; --scope=process reports all");
}

}  // namespace wc
