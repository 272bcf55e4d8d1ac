#include "engine/program_tables.h"

#include <unistd.h>

#include <algorithm>
#include <unordered_map>

#include "decode/decoder.h"
#include "elf/stub_writer.h"
#include "engine/capture_plan.h"
#include "protocol/stub.h"

namespace wc {
namespace {

constexpr std::string_view kLibc = "libc.so.6";
constexpr std::string_view kLoader = "ld-linux-x86-64.so.2";

// A function of one library, with every version it has there.
struct Choice {
  const Image* library;
  std::vector<const ExportedFunction*> versions;
};

// The first definition in load order is the one that programs bind to.
std::vector<Choice> choices_of(const std::vector<std::shared_ptr<const Image>>& libraries) {
  std::vector<Choice> choices;
  std::unordered_map<std::string_view, size_t> index;
  for (const auto& library : libraries) {
    if (library->soname == kLoader) continue;  // its exports are libc's business, not a program's
    for (const ExportedFunction& function : library->functions) {
      auto [at, fresh] = index.try_emplace(function.name, choices.size());
      if (fresh)
        choices.push_back({library.get(), {&function}});
      else if (choices[at->second].library == library.get())
        choices[at->second].versions.push_back(&function);
    }
  }
  return choices;
}

// Whether what is printed of a call can only be read when it returns.
bool has_values_at_return(const FunctionSpec& spec) {
  if (!known_at_entry(spec.result.kind)) return true;
  for (unsigned i = 0; i < spec.arg_count && i < kMaxArgs; i++)
    if (!known_at_entry(spec.args[i].kind)) return true;
  return false;
}

StubEntry entry_of(const FunctionSpec& spec) {
  if (spec.wrap == Wrap::TailJump) return StubEntry::Caller;
  switch (spec.stack) {
    case StackUse::Words:
      return StubEntry::Stack;
    case StackUse::VaList:
      return StubEntry::VaList;
    case StackUse::ExecList:
      return StubEntry::ExecList;
    case StackUse::None:
      break;
  }
  return StubEntry::Plain;
}

// Stack words passed on for a function whose prototype nobody knows.
constexpr uint16_t kUnknownStackWords = 24;

StubFunction stub_for(const ExportedFunction& function, bool several, const FunctionInfo& info,
                      const TableOptions& options) {
  StubFunction stub;
  stub.name = stub.target = function.name;
  if (several) {
    stub.version = function.version;
    stub.default_version = function.default_version;
  }
  if (info.spec == nullptr) {
    // libc's own functions outside of the catalog take what registers hold (measured: 2,571 ran
    // so).
    stub.entry = info.library == kLibc ? StubEntry::Plain : StubEntry::Stack;
    stub.stack_words = kUnknownStackWords;
    if (info.library == kLibc && is_pure_function(function.name)) stub.flags |= WC_FUNCTION_PURE;
    return stub;
  }
  stub.entry = entry_of(*info.spec);
  stub.stack_words = info.spec->stack_words;
  if (stub.entry == StubEntry::VaList || stub.entry == StubEntry::ExecList) {
    stub.target = info.spec->sibling;
    stub.fixed_args = info.spec->arg_count;
  }
  bool planned =
      options.in_process && plan_function(info.spec, info.thin, options.all_calls, options.decode,
                                          options.values_at_return, stub.captures);
  if (options.in_process && !planned) {
    std::fill(std::begin(stub.captures), std::end(stub.captures), wc_capture{});
    stub.flags |= WC_FUNCTION_TRACER;
  }
  if (planned && ends_in_format(*info.spec)) stub.flags |= WC_FUNCTION_FORMAT;
  if (planned && info.thin && !options.stacks) stub.flags |= WC_FUNCTION_THIN;
  if (planned && info.spec->arg_count <= WC_FEW_ARGS) stub.flags |= WC_FUNCTION_FEW;
  if (options.values_at_return && !info.thin && !planned && has_values_at_return(*info.spec))
    stub.flags |= WC_FUNCTION_RETURN_BELL;
  if (is_pure_function(function.name)) stub.flags |= WC_FUNCTION_PURE;
  return stub;
}

bool is_sanitizer(const std::string& soname) {
  for (const char* head : {"libasan.so", "libtsan.so", "liblsan.so", "libubsan.so", "libhwasan.so"})
    if (soname.rfind(head, 0) == 0) return true;
  return false;
}

void add_entry(std::string& list, const std::string& entry) {
  if (entry.empty()) return;
  if (!list.empty()) list += ':';
  list += entry;
}

}  // namespace

ProgramTables::ProgramTables(TableOptions options, const PrivateDirectory& directory)
    : options_(std::move(options)), directory_(directory), cache_(options_.cache) {}

ProgramTables::Images ProgramTables::libraries_of(const Image& program,
                                                  const std::string& ld_library_path) {
  Images libraries = libraries_.closure(program, ld_library_path, ImageDepth::Names);
  auto add = [&](const std::string& name) {
    auto image = libraries_.find(name, ld_library_path, ImageDepth::Names);
    if (image != nullptr && std::find(libraries.begin(), libraries.end(), image) == libraries.end())
      libraries.push_back(std::move(image));
  };
  for (const std::string& path : options_.user_preloads) add(path);
  // name@library names libraries that come later, by dlopen.
  for (const Term& term : options_.terms)
    if (!term.exclude && !term.library.empty() &&
        term.library.find_first_of("*?[") == std::string::npos)
      add(term.library);
  return libraries;
}

std::string ProgramTables::options_key(bool strict) const {
  std::string key;
  for (const Term& term : options_.terms) key += term.text + ',';
  for (unsigned number :
       {unsigned{strict}, unsigned{options_.values_at_return}, unsigned{options_.in_process},
        unsigned{options_.stacks}, unsigned{options_.all_calls}, options_.decode.string_size,
        unsigned{options_.decode.show_paths}})
    key += std::to_string(number) + ' ';
  return key;
}

// The stub library has neither id nor socket yet.
Result<StoredTable> ProgramTables::choose(const Images& libraries, bool strict,
                                          std::vector<std::string>& warnings) {
  Images whole;
  for (const auto& library : libraries) whole.push_back(libraries_.with_functions(library));
  std::vector<Choice> choices = choices_of(whole);
  std::vector<Candidate> candidates;
  for (const Choice& choice : choices)
    candidates.push_back(
        {choice.versions[0]->name, choice.library->soname, choice.library->soname == kLibc});
  auto outcome = select(options_.terms, candidates, strict);
  if (!outcome) return outcome.error();
  warnings = outcome->warnings;

  StoredTable table;
  std::vector<StubFunction> stubs;
  for (uint32_t index : outcome->selected) {
    const Choice& choice = choices[index];
    FunctionInfo info;
    info.symbol = choice.versions[0]->name;
    info.library = choice.library->soname;
    info.spec = info.library == kLibc ? find_function(info.symbol) : nullptr;
    info.name = info.spec != nullptr ? std::string(info.spec->family) : info.symbol;
    // A string that is the result (getcwd) is read when the call is over, not when its syscall is.
    info.thin = info.spec != nullptr && info.spec->result.kind != ArgKind::StringResult &&
                syscall_number(info.name) >= 0;
    for (const ExportedFunction* version : choice.versions) {
      stubs.push_back(stub_for(*version, choice.versions.size() > 1, info, options_));
      table.functions.push_back(info);
    }
  }
  table.stub_library = build_stub_library(stubs, 0, "");
  return table;
}

Result<std::shared_ptr<const FunctionTable>> ProgramTables::table_for(
    const Images& libraries, bool strict, std::vector<std::string>& warnings) {
  std::vector<const Image*> images;
  for (const auto& library : libraries) images.push_back(library.get());
  if (auto known = tables_.find(images); known != tables_.end()) return known->second;

  auto key = cache_.key(options_key(strict), libraries);
  std::optional<StoredTable> stored = key ? cache_.load(*key) : std::nullopt;
  if (!stored) {
    auto chosen = choose(libraries, strict, warnings);
    if (!chosen) return chosen.error();
    stored = std::move(*chosen);
    // A warning is worth saying each time.
    if (key && warnings.empty()) cache_.store(*key, *stored);
  }
  auto table = std::make_shared<FunctionTable>();
  table->id = next_id_++;
  table->functions = std::move(stored->functions);
  readdress_stub_library(stored->stub_library, table->id, options_.socket_path, options_.gate);
  std::string name = "stubs-" + std::to_string(table->id) + ".so";
  if (auto written = directory_.write_file(name, stored->stub_library); !written)
    return written.error();
  table->stub_path = directory_.path() + "/" + name;
  kept_.insert(kept_.end(), libraries.begin(), libraries.end());
  tables_.emplace(std::move(images), table);
  return std::shared_ptr<const FunctionTable>(table);
}

Result<ProgramTables::Prepared> ProgramTables::prepare(const Image& program,
                                                       const std::string& ld_library_path,
                                                       const std::string& own_preload,
                                                       bool strict) {
  Images libraries = libraries_of(program, ld_library_path);
  Prepared prepared;
  auto table = table_for(libraries, strict, prepared.warnings);
  if (!table) return table.error();
  prepared.table = *table;
  // A sanitizer's runtime insists on being first.
  for (const auto& library : libraries)
    if (is_sanitizer(library->soname)) add_entry(prepared.ld_preload, library->path);
  add_entry(prepared.ld_preload, own_preload);
  for (const std::string& path : options_.user_preloads) add_entry(prepared.ld_preload, path);
  add_entry(prepared.ld_preload, prepared.table->stub_path);
  add_entry(prepared.ld_preload, options_.shim_path);
  return prepared;
}

std::string foreign_architecture(const Image& image) {
  if (image.is_64_bit && image.is_x86_64) return {};
  return "is not a 64-bit x86-64 program; use strace -f, which knows other architectures";
}

std::string refusal(const Image& image) {
  if (!image.is_elf) return "is not an ELF program";
  if (std::string why = foreign_architecture(image); !why.empty()) return why;
  if (image.is_musl)
    return "is linked with musl, whose loader and functions differ from glibc's; use "
           "--scope=process";
  if (!image.is_dynamic)
    return "is statically linked: it has no library calls to wrap; use --scope=process";
  if (image.set_id && geteuid() != 0)
    return "is set-user-ID or has capabilities: it loads no foreign libraries and loses its rights "
           "under a tracer; run as root";
  return {};
}

}  // namespace wc
