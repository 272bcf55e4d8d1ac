// Addresses to locations, for each reported call once: the way to a known location is a search in
// the map of the process and one hash look-up. One thread at a time.
#include "symbols/symbolizer.h"

#include <sys/stat.h>

#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "symbols/code_source.h"
#include "symbols/jit_map.h"
#include "symbols/mapped_file.h"
#include "symbols/memory_map.h"
#include "symbols/module.h"

namespace wc {

namespace {

// Limits on memory. What is dropped is read again when it is needed; only a process that is dead
// by then loses its names.
constexpr size_t kMaxProcesses = 4096;
constexpr size_t kMaxModules = 1024;
constexpr size_t kMaxLocations = 200'000;
constexpr size_t kMaxTableBytes = size_t{1} << 30;
constexpr size_t kMaxMisses = 4096;
constexpr int kPageBits = 12;

struct Process {
  MemoryMap map;
  JitMap jit;
  std::unordered_set<uint64_t> misses;  // pages without code, even after the map was read again
  uint64_t last_used = 0;
  uint64_t generation = 0;  // of the map
  bool is_frozen = false;   // the map is that of a program that is gone
  bool is_told = false;     // the kernel tells of each change
};

}  // namespace

struct Symbolizer::State {
  explicit State(std::string root) : debug_root(std::move(root)) {}

  Process& process(int32_t pid);
  std::optional<proc::Maps> read_maps(int32_t pid);
  void read_map(int32_t pid, Process& process);
  MappedCode* code_mapping(int32_t pid, Process& process, uint64_t address);
  Module* module_of(int32_t pid, MappedCode& mapping);
  template <typename Read>
  auto read_from(Module& module, Read read);
  const Location& read_location(Module& module, uint64_t file_offset);
  const Location& elsewhere(const MappedCode* mapping, uint64_t address);
  const Location* generated(int32_t pid, Process& process, const MappedCode* mapping,
                            uint64_t return_address);
  void drop_unused_modules();
  void limit_tables(const Module& keep);

  std::string debug_root;
  std::unordered_map<int32_t, Process> processes;
  std::unordered_map<std::string, std::shared_ptr<Module>> modules;
  size_t location_count = 0;
  size_t table_bytes = 0;
  uint64_t clock = 0;
  CodeWitness* witness = nullptr;
  CodeSource* source = nullptr;
  Location scratch;  // for what is in no file
};

Process& Symbolizer::State::process(int32_t pid) {
  auto found = processes.find(pid);
  if (found == processes.end()) {
    if (processes.size() >= kMaxProcesses) {
      auto oldest = processes.begin();
      for (auto at = processes.begin(); at != processes.end(); ++at)
        if (at->second.last_used < oldest->second.last_used) oldest = at;
      processes.erase(oldest);
    }
    found = processes.try_emplace(pid).first;
  }
  found->second.last_used = ++clock;
  return found->second;
}

std::optional<proc::Maps> Symbolizer::State::read_maps(int32_t pid) {
  if (source != nullptr) return source->maps(pid);
  auto maps = proc::read_maps(pid);
  if (!maps) return std::nullopt;
  if (witness != nullptr) witness->saw_maps(pid, *maps);
  return std::move(*maps);
}

void Symbolizer::State::read_map(int32_t pid, Process& process) {
  if (process.is_frozen || process.is_told) return;
  auto maps = read_maps(pid);
  if (!maps) return;
  process.map = MemoryMap(*maps);
  process.generation = ++clock;
}

// An address that is in no code means that the map is out of date: it is read again, once a page.
MappedCode* Symbolizer::State::code_mapping(int32_t pid, Process& process, uint64_t address) {
  MappedCode* mapping = process.map.find(address);
  if (mapping != nullptr && mapping->rights.execute) return mapping;
  if (process.misses.contains(address >> kPageBits)) return mapping;
  read_map(pid, process);
  mapping = process.map.find(address);
  if (mapping == nullptr || !mapping->rights.execute) {
    if (process.misses.size() >= kMaxMisses) process.misses.clear();
    process.misses.insert(address >> kPageBits);
  }
  return mapping;
}

Module* Symbolizer::State::module_of(int32_t pid, MappedCode& mapping) {
  if (mapping.module_known) return mapping.module.get();
  mapping.module_known = true;
  if (mapping.inode == 0 || !mapping.has_file()) return nullptr;
  MappedFile file = source != nullptr ? source->file(mapping) : file_of(pid, mapping);
  if (file.path.empty()) return nullptr;
  if (modules.size() >= kMaxModules) drop_unused_modules();
  auto& module = modules[identity_of(mapping.path, file.status)];
  if (module == nullptr)
    module = std::make_shared<Module>(mapping.path, std::move(file.path), debug_root);
  mapping.module = module;
  return module.get();
}

void Symbolizer::State::drop_unused_modules() {
  std::erase_if(modules, [this](const auto& entry) {
    if (entry.second.use_count() > 1) return false;
    table_bytes -= entry.second->table_bytes();
    return true;
  });
}

// The tables of the module may grow while `read` asks it.
template <typename Read>
auto Symbolizer::State::read_from(Module& module, Read read) {
  module.last_read = ++clock;
  table_bytes -= module.table_bytes();
  auto* found = read();
  table_bytes += module.table_bytes();
  if (table_bytes > kMaxTableBytes) limit_tables(module);
  return found;
}

const Location& Symbolizer::State::read_location(Module& module, uint64_t file_offset) {
  if (location_count >= kMaxLocations) {
    for (auto& [key, other] : modules) other->drop_locations();
    location_count = 0;
  }
  ++location_count;
  return *read_from(module, [&]() { return &module.locate(file_offset); });
}

void Symbolizer::State::limit_tables(const Module& keep) {
  while (table_bytes > kMaxTableBytes) {
    Module* oldest = nullptr;
    for (auto& [key, module] : modules) {
      if (module.get() == &keep || module->table_bytes() == 0) continue;
      if (oldest == nullptr || module->last_read < oldest->last_read) oldest = module.get();
    }
    if (oldest == nullptr) return;
    table_bytes -= oldest->table_bytes();
    oldest->drop_tables();
  }
}

const Location& Symbolizer::State::elsewhere(const MappedCode* mapping, uint64_t address) {
  scratch = Location{.offset = address, .file_offset = address};
  if (mapping != nullptr && !mapping->path.empty()) {
    scratch.object = mapping->path;
    scratch.offset = scratch.file_offset = address - mapping->range.begin + mapping->offset;
  }
  return scratch;
}

// Code that the program has made and named for perf(1).
const Location* Symbolizer::State::generated(int32_t pid, Process& process,
                                             const MappedCode* mapping, uint64_t return_address) {
  if (mapping == nullptr || !mapping->rights.execute || mapping->path == "[vdso]") return nullptr;
  if (source != nullptr) {
    const Generated* kept = source->generated(pid, return_address);
    if (kept == nullptr) return nullptr;
    scratch = Location{.object = kept->path,
                       .symbol = kept->name,
                       .offset = return_address - kept->begin,
                       .file_offset = return_address};
    return &scratch;
  }
  const JitName* made = process.jit.find(pid, return_address - 1);
  if (made == nullptr) return nullptr;
  if (witness != nullptr)
    witness->saw_generated(pid, {return_address, made->begin, process.jit.path(), made->name});
  scratch = Location{.object = process.jit.path(),
                     .symbol = made->name,
                     .offset = return_address - made->begin,
                     .file_offset = return_address};
  return &scratch;
}

Symbolizer::Symbolizer(std::string debug_root)
    : state_(std::make_unique<State>(std::move(debug_root))) {}
Symbolizer::~Symbolizer() = default;

const Location& Symbolizer::locate(int32_t pid, uint64_t return_address) {
  Process& process = state_->process(pid);
  // A call may be the last instruction of its mapping, so its own last byte is looked up.
  const uint64_t call = return_address - 1;
  MappedCode* mapping = state_->code_mapping(pid, process, call);
  Module* module = mapping != nullptr ? state_->module_of(pid, *mapping) : nullptr;
  if (module == nullptr) {
    const Location* made = state_->generated(pid, process, mapping, return_address);
    return made != nullptr ? *made : state_->elsewhere(mapping, return_address);
  }
  const uint64_t file_offset = call - mapping->range.begin + mapping->offset + 1;
  if (const Location* known = module->cached(file_offset)) return *known;
  return state_->read_location(*module, file_offset);
}

Symbolizer::Code Symbolizer::code_at(int32_t pid, uint64_t address) {
  MappedCode* mapping = state_->code_mapping(pid, state_->process(pid), address);
  return {mapping, mapping != nullptr ? state_->module_of(pid, *mapping) : nullptr};
}

const UnwindTable* Symbolizer::unwind_table(Module& module) {
  return state_->read_from(module, [&]() { return module.unwind_table(); });
}

uint64_t Symbolizer::map_generation(int32_t pid) { return state_->process(pid).generation; }

void Symbolizer::watch(CodeWitness* witness) { state_->witness = witness; }

void Symbolizer::ask(CodeSource* source) {
  state_->source = source;
  if (source != nullptr) state_->debug_root = source->debug_root();
}

void Symbolizer::remember(int32_t pid) {
  Process& process = state_->process(pid);
  if (process.generation == 0) state_->read_map(pid, process);
}

void Symbolizer::freeze(int32_t pid) { state_->process(pid).is_frozen = true; }

void Symbolizer::learn(int32_t pid, const proc::Mapping& mapping) {
  Process& process = state_->process(pid);
  process.map.add(mapping);
  process.misses.clear();
  process.generation = ++state_->clock;
  process.is_told = true;
}

void Symbolizer::inherit(int32_t child, int32_t parent) {
  if (state_->processes.contains(child)) return;
  remember(parent);
  Process copy;
  const Process& known = state_->process(parent);
  copy.map = known.map;
  copy.is_told = known.is_told;
  copy.generation = ++state_->clock;
  state_->process(child) = std::move(copy);
}

void Symbolizer::forget(int32_t pid) { state_->processes.erase(pid); }

}  // namespace wc
