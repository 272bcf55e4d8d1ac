#include "launch/preflight.h"

#include <elf.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>

#include "elf/image.h"
#include "program/program_tables.h"

namespace wc {
namespace {

bool is_regular(const std::string& path) {
  struct stat status {};
  return stat(path.c_str(), &status) == 0 && S_ISREG(status.st_mode);
}

// Sets `found` when a file of the name exists, executable or not.
std::string search_path(const std::string& name, std::string& found) {
  const char* variable = std::getenv("PATH");
  std::string path = variable != nullptr ? variable : "/usr/local/bin:/bin:/usr/bin";
  for (size_t from = 0; from <= path.size();) {
    size_t to = std::min(path.find(':', from), path.size());
    std::string folder = path.substr(from, to - from);
    std::string candidate = (folder.empty() ? "." : folder) + "/" + name;
    if (is_regular(candidate)) {
      if (access(candidate.c_str(), X_OK) == 0) return candidate;
      if (found.empty()) found = candidate;
    }
    from = to + 1;
  }
  return {};
}

// The kernel would refuse it, too: its program headers are not there.
bool is_truncated(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  Elf64_Ehdr head{};
  if (!file.read(reinterpret_cast<char*>(&head), sizeof head)) return true;
  file.seekg(0, std::ios::end);
  return static_cast<uint64_t>(file.tellg()) <
         head.e_phoff + uint64_t{head.e_phnum} * head.e_phentsize;
}

// Its ids change at the exec, so that ld.so takes no foreign libraries, whoever traces.
bool changes_ids(const std::string& path) {
  struct stat status {};
  if (stat(path.c_str(), &status) != 0) return false;
  return ((status.st_mode & S_ISUID) != 0 && status.st_uid != geteuid()) ||
         ((status.st_mode & (S_ISGID | S_IXGRP)) == (S_ISGID | S_IXGRP) &&
          status.st_gid != getegid());
}

Refusal judge_file(const std::string& path, const std::string& as, Purpose purpose) {
  auto image = read_image(path, false);
  if (!image) return {kCannotExecute, "cannot execute " + as + ": " + image.error().message};
  if (!image->is_elf) return {kCannotExecute, "cannot execute " + as + ": not a program"};
  if (image->is_64_bit && is_truncated(path))
    return {kCannotExecute, "cannot execute " + as + ": a truncated ELF file"};
  std::string why = purpose == Purpose::Wrap ? refusal(*image) : foreign_architecture(*image);
  if (!why.empty()) return {kTracerFailed, as + " " + why};
  if (purpose == Purpose::Trace) return {};
  if (changes_ids(path))
    return {kTracerFailed,
            as + " is set-user-ID or set-group-ID: it loads no foreign libraries; run it "
                 "as the user it changes to (-u), or use --scope=process"};
  return {};
}

}  // namespace

Target inspect_command(const std::vector<std::string>& words, Purpose purpose) {
  Target target = inspect_target(words.at(0), purpose);
  if (!target.refusal.message.empty() || target.program.empty()) return target;
  auto image = read_image(target.program, false);
  if (!image || !is_loader(*image)) return target;
  LoaderCommand command = parse_loader_command(words);
  // What ld.so has to say about a program that is not there, it says itself.
  if (is_regular(command.program) && purpose == Purpose::Wrap)
    target.refusal = judge_file(command.program, command.program, purpose);
  target.loaded = std::move(command);
  return target;
}

Target inspect_target(const std::string& name, Purpose purpose) {
  std::string found;
  std::string path = name.find('/') != std::string::npos ? name : search_path(name, found);
  if (path.empty() && found.empty())
    return {name,
            {kNotFound, name + ": not found in PATH; give a path with a slash for a file here"},
            {}};
  if (path.empty())
    return {found, {kCannotExecute, found + ": not executable; chmod +x makes it so"}, {}};
  struct stat status {};
  if (stat(path.c_str(), &status) != 0) {
    int code = errno;
    return {path,
            {code == ENOENT || code == ENOTDIR ? kNotFound : kCannotExecute,
             path + ": " + std::strerror(code)},
            {}};
  }
  if (S_ISDIR(status.st_mode)) return {path, {kCannotExecute, path + ": is a folder"}, {}};
  if (access(path.c_str(), X_OK) != 0)
    return {path, {kCannotExecute, path + ": not executable; chmod +x makes it so"}, {}};
  if (access(path.c_str(), R_OK) != 0) return {path, {}, {}};  // the kernel can run it all the same
  std::string interpreter = script_interpreter(path);
  if (interpreter.empty()) {
    auto image = read_image(path, false);
    // execvp(3) gives what is no program to the shell.
    if (image && !image->is_elf)
      return {path, judge_file("/bin/sh", path + ": its shell /bin/sh", purpose), "/bin/sh"};
    return {path, judge_file(path, path, purpose), path};
  }
  if (!is_regular(interpreter))
    return {path, {kNotFound, path + ": its interpreter " + interpreter + " does not exist"}, {}};
  // Interpreters of interpreters are the kernel's business; one level is what people have.
  if (!script_interpreter(interpreter).empty()) return {path, {}, {}};
  return {path, judge_file(interpreter, path + ": its interpreter " + interpreter, purpose),
          interpreter};
}

}  // namespace wc
