#include "interpreter/interpreters.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <set>
#include <unordered_map>
#include <utility>

#include "interpreter/interpreter_file.h"
#include "interpreter/merge.h"
#include "interpreter/python_layout.h"
#include "interpreter/python_stack.h"
#include "interpreter/remote_block.h"
#include "proc/files.h"
#include "proc/maps.h"

namespace wc {
namespace {

constexpr size_t kMaxProcesses = 4096;
constexpr size_t kMaxFiles = 4096;

struct Interpreter {
  const PythonLayout* layout = nullptr;
  uint64_t runtime = 0;  // address of _PyRuntime
};

struct Process {
  std::vector<Interpreter> interpreters;
  uint64_t generation = 0;           // of the map that was searched
  bool counts_threads_alike = true;  // a thread has the same id there and here
};

std::string pid_namespace(const std::string& path) {
  std::array<char, 64> name{};
  const ssize_t size = readlink(path.c_str(), name.data(), name.size());
  return {name.data(), static_cast<size_t>(std::max<ssize_t>(size, 0))};
}

}  // namespace

struct Interpreters::State {
  explicit State(FrameChoice wanted) : choice(wanted) {}

  const Process& process(const Where& where, TraceeMemory& memory);
  void search(int32_t pid, TraceeMemory& memory, Process& process);
  void add(const proc::Mapping& mapping, const InterpreterFile& file, TraceeMemory& memory,
           Process& process);
  const InterpreterFile& file_behind(int32_t pid, const proc::Mapping& mapping);
  void refuse(const std::string& path, const std::string& version);

  FrameChoice choice;
  std::unordered_map<int32_t, Process> processes;
  std::unordered_map<std::string, InterpreterFile> files;  // by identity
  std::set<std::string> refused;                           // versions
  std::vector<std::string> warnings;
  bool has_searched = false;
  bool found_any = false;
  bool stops_were_said = false;
};

const InterpreterFile& Interpreters::State::file_behind(int32_t pid, const proc::Mapping& mapping) {
  static const InterpreterFile kNone;
  const MappedFile file = file_of(pid, mapping);
  if (file.path.empty()) return kNone;
  std::string key = identity_of(mapping.path, file.status);
  if (const auto known = files.find(key); known != files.end()) return known->second;
  if (files.size() >= kMaxFiles) files.clear();
  return files.emplace(std::move(key), read_interpreter_file(file.path)).first->second;
}

void Interpreters::State::refuse(const std::string& path, const std::string& version) {
  if (!refused.insert(version).second) return;
  warnings.push_back(path + " is Python " + version + ", whose functions cannot be read (only " +
                     known_python_versions() + "'s can): its stacks have C functions only");
}

void Interpreters::State::add(const proc::Mapping& mapping, const InterpreterFile& file,
                              TraceeMemory& memory, Process& process) {
  const uint64_t moved =
      mapping.range.begin - mapping.offset + file.code_offset - file.code_address;
  constexpr const char* kBeforeVersion = "3.10 or older";
  if (file.runtime == 0 || file.version == 0)
    return refuse(mapping.path,
                  file.version_of_name.empty() ? kBeforeVersion : file.version_of_name);
  const auto hex = RemoteBlock::read(memory, file.version + moved, sizeof(uint64_t));
  if (!hex) return;
  const PythonVersion version{hex->half(0)};
  const PythonLayout* layout = python_layout(version);
  if (layout == nullptr) return refuse(mapping.path, version.text());
  found_any = true;
  // A file's code may be mapped in several pieces.
  const Interpreter found{layout, file.runtime + moved};
  auto is_same = [&](const Interpreter& one) { return one.runtime == found.runtime; };
  if (std::ranges::none_of(process.interpreters, is_same)) process.interpreters.push_back(found);
}

void Interpreters::State::search(int32_t pid, TraceeMemory& memory, Process& process) {
  const auto maps = proc::read_maps(pid);
  if (!maps) return;
  has_searched = true;
  for (const proc::Mapping& mapping : maps->all()) {
    if (!mapping.rights.execute || !mapping.has_file() || mapping.inode == 0) continue;
    const InterpreterFile& file = file_behind(pid, mapping);
    if (file.is_python) add(mapping, file, memory, process);
  }
  process.counts_threads_alike =
      pid_namespace(proc::path_of(pid, "ns/pid")) == pid_namespace("/proc/self/ns/pid");
}

const Process& Interpreters::State::process(const Where& where, TraceeMemory& memory) {
  if (processes.size() >= kMaxProcesses && !processes.contains(where.pid)) processes.clear();
  Process& known = processes[where.pid];
  // Libraries may have come since, and an interpreter with them.
  const uint64_t before = std::exchange(known.generation, where.map_generation);
  if (known.interpreters.empty() && before != where.map_generation)
    search(where.pid, memory, known);
  return known;
}

Interpreters::Interpreters(FrameChoice choice) : state_(std::make_unique<State>(choice)) {}
Interpreters::~Interpreters() = default;
Interpreters::Interpreters(Interpreters&&) noexcept = default;
Interpreters& Interpreters::operator=(Interpreters&&) noexcept = default;

bool Interpreters::wanted() const { return state_->choice != FrameChoice::Native; }

Stack Interpreters::with_functions(const Where& where, TraceeMemory& memory, Stack native,
                                   unsigned depth) {
  const Process& process = state_->process(where, memory);
  if (process.interpreters.empty() || native.empty()) return native;
  auto is_shown = [](const StackFrame& frame) { return !frame.is_hidden; };
  const auto frames = std::ranges::count_if(native, is_shown);
  const StackEnd end = static_cast<size_t>(frames) < depth ? StackEnd::Reached : StackEnd::CutOff;
  PythonThread thread{.stack_begin = native.front().sp,
                      .stack_end = std::max(native.back().end, native.back().sp)};
  if (process.counts_threads_alike) thread.native_id = static_cast<uint64_t>(where.tid);
  for (const Interpreter& one : process.interpreters) {
    auto runs = read_python_stack(memory, *one.layout, one.runtime, thread, depth);
    if (!runs.empty()) native = merge(std::move(native), std::move(runs), end);
  }
  unsigned shown = 0;
  native.erase(std::ranges::find_if(
                   native, [&](const StackFrame& one) { return is_shown(one) && ++shown > depth; }),
               native.end());
  return native;
}

bool Interpreters::needs_stops(int32_t pid, TraceeMemory& memory) {
  if (state_->choice == FrameChoice::Auto) {
    Process& process = state_->processes[pid];
    if (process.interpreters.empty()) state_->search(pid, memory, process);
    if (process.interpreters.empty()) return false;
  }
  if (!std::exchange(state_->stops_were_said, true))
    state_->warnings.push_back(
        "engine inproc: Python's functions are read where the program stands, so " +
        std::string(state_->choice == FrameChoice::Auto ? "a process that runs Python" : "it") +
        " stops at each reported system call, as under -E ptrace");
  return true;
}

void Interpreters::forget(int32_t pid) { state_->processes.erase(pid); }

std::vector<std::string> Interpreters::take_warnings() {
  return std::exchange(state_->warnings, {});
}

std::string Interpreters::last_word() const {
  const bool is_missed = state_->choice == FrameChoice::Python && state_->has_searched &&
                         !state_->found_any && state_->refused.empty();
  return is_missed ? "--frames=python: no process with a stack to show had a CPython interpreter; "
                     "its stacks have C functions only"
                   : "";
}

}  // namespace wc
