#include "program/program_tables.h"

#include <unistd.h>

#include <algorithm>
#include <set>

#include "catalog/glob.h"
#include "decode/decoder.h"
#include "elf/loader_command.h"
#include "program/capture_plan.h"
#include "program/stub_writer.h"
#include "protocol/stub.h"

namespace wc {
namespace {

constexpr std::string_view kLibc = "libc.so.6";
constexpr std::string_view kLoader = "ld-linux-x86-64.so.2";

// Whether what is printed of a call can only be read when it returns.
bool has_values_at_return(const FunctionSpec& spec) {
  if (!known_at_entry(spec.result.kind)) return true;
  for (unsigned i = 0; i < spec.arg_count && i < kMaxArgs; i++)
    if (!known_at_entry(spec.args[i].kind)) return true;
  return false;
}

bool exports(const Image& library, std::string_view name) {
  return std::ranges::any_of(library.functions, [name](const ExportedFunction& function) {
    return function.default_version && function.name == name;
  });
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

// How the function wants to be entered. One that takes the place of libc's may take more arguments,
// and its library need not have the sibling.
void choose_entry(StubFunction& stub, const FunctionInfo& info, const Image& library) {
  StubEntry entry = entry_of(*info.spec);
  bool is_by_sibling = entry == StubEntry::VaList || entry == StubEntry::ExecList;
  if (info.library != kLibc && entry != StubEntry::Caller &&
      !(is_by_sibling && exports(library, info.spec->sibling))) {
    stub.entry = StubEntry::Stack;
    stub.stack_words = kUnknownStackWords;
    return;
  }
  stub.entry = entry;
  stub.stack_words = info.spec->stack_words;
  if (!is_by_sibling) return;
  stub.target = info.spec->sibling;
  stub.fixed_args = info.spec->arg_count;
}

StubFunction stub_for(const BoundFunction& bound, const Definition& definition,
                      const FunctionInfo& info, const TableOptions& options) {
  StubFunction stub;
  stub.name = stub.target = definition.function->name;
  stub.version = definition.function->version;
  stub.default_version = definition.takes_newest;
  stub.oldest_version = definition.takes_unversioned;
  stub.late = bound.is_late;
  if (info.spec == nullptr) {
    // libc's own functions outside of the catalog take what registers hold (measured: 2,571 ran
    // so).
    stub.entry = info.library == kLibc ? StubEntry::Plain : StubEntry::Stack;
    stub.stack_words = kUnknownStackWords;
    if (info.library == kLibc && is_pure_function(stub.name)) stub.flags |= WC_FUNCTION_PURE;
    return stub;
  }
  choose_entry(stub, info, *bound.library);
  if (stub.entry == StubEntry::Caller && (stub.name == "dlsym" || stub.name == "dlvsym"))
    stub.flags |= WC_FUNCTION_SYMBOL;
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
  if (info.library == kLibc && is_pure_function(stub.name)) stub.flags |= WC_FUNCTION_PURE;
  return stub;
}

bool is_sanitizer(const std::string& soname) {
  for (const char* head :
       {"libasan.so", "libtsan.so", "liblsan.so", "libubsan.so", "libhwasan.so", "libclang_rt."})
    if (soname.starts_with(head)) return true;
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

Images ProgramTables::Places::all() const {
  Images libraries = front;
  for (const Images* more : {&behind, &late})
    libraries.insert(libraries.end(), more->begin(), more->end());
  return libraries;
}

ProgramTables::Places ProgramTables::places_of(const Image& program,
                                               const std::string& ld_library_path,
                                               const std::string& own_preload) {
  std::vector<std::string> preloads = split_preload_list(own_preload);
  preloads.insert(preloads.end(), options_.user_preloads.begin(), options_.user_preloads.end());
  StartUp start = libraries_.start_up(program, ld_library_path, preloads);
  Places places;
  for (size_t i = 0; i < start.libraries.size(); i++) {
    bool is_in_front = i < start.preloaded || is_sanitizer(start.libraries[i]->soname);
    (is_in_front ? places.front : places.behind).push_back(start.libraries[i]);
  }
  for (const Term& term : options_.terms) {
    if (term.exclude || term.library.empty() || has_glob(term.library)) continue;
    auto image = libraries_.find(term.library, ld_library_path, ImageDepth::Names);
    Images known = places.all();
    if (image != nullptr && std::ranges::find(known, image) == known.end())
      places.late.push_back(std::move(image));
  }
  return places;
}

Images ProgramTables::with_functions(const Images& libraries) {
  Images whole;
  for (const auto& library : libraries) whole.push_back(libraries_.with_functions(library));
  return whole;
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

namespace {

// Functions of glibc that are named like a syscall and make another one, with a struct that stands
// in their own frame: it is gone when the call has returned, which is when a thin call is recorded.
bool uses_own_struct(std::string_view name) {
  constexpr std::string_view kNames[] = {"futimesat", "settimeofday", "timer_create", "utime",
                                         "utimes"};
  return std::ranges::find(kNames, name) != std::end(kNames);
}

FunctionInfo info_of(const BoundFunction& bound) {
  FunctionInfo info;
  info.symbol = bound.name;
  info.library = bound.library->soname;
  info.spec = bound.is_libcs ? find_function(info.symbol) : nullptr;
  info.name = info.spec != nullptr ? std::string(info.spec->family) : info.symbol;
  // A string that is the result (getcwd) is read when the call is over, not when its syscall is.
  info.thin = info.spec != nullptr && info.library == kLibc &&
              info.spec->result.kind != ArgKind::StringResult && syscall_number(info.name) >= 0 &&
              !uses_own_struct(info.name);
  return info;
}

// The candidates of a selection: functions that can be wrapped, then those that cannot, because
// their library stands in front of the stubs, or another one in front of theirs.
class Candidates {
 public:
  Candidates(const std::vector<BoundFunction>& bound, const Images& front, const Images& behind) {
    std::set<std::pair<std::string_view, std::string_view>> known;
    for (const BoundFunction& one : bound) {
      list_.push_back({one.name, one.library->soname, one.is_libcs});
      known.emplace(one.name, one.library->soname);
    }
    wrappable_ = list_.size();
    for (const Images* libraries : {&front, &behind}) {
      for (const auto& library : *libraries) {
        if (library->soname == kLoader) continue;
        for (const ExportedFunction& function : library->functions)
          if (function.default_version && !known.contains({function.name, library->soname}))
            list_.push_back({function.name, library->soname, false});
      }
      if (libraries == &front) in_front_ = list_.size();
    }
  }
  [[nodiscard]] const std::vector<Candidate>& list() const { return list_; }

  // Leaves out what cannot be wrapped, and says so where the library was named.
  void leave_out_others(std::span<const Term> terms, SelectionOutcome& outcome) const {
    std::set<std::string_view> names;
    for (uint32_t index : outcome.selected)
      if (index < wrappable_) names.insert(list_[index].name);
    std::set<std::string_view> told;
    for (uint32_t index : outcome.selected) {
      if (index < wrappable_ || names.contains(list_[index].name)) continue;
      std::string_view library = list_[index].library;
      if (!is_meant(terms, list_[index], names.empty()) || !told.insert(library).second) continue;
      std::string name = std::string(list_[index].name) + "@" + std::string(library);
      std::string why = index < in_front_ ? "its library is preloaded in front of what is wrapped"
                                          : "another library has the name in front of it";
      outcome.warnings.push_back("calls of " + name + " are not seen: " + why + "; -B " + name +
                                 " sees them");
    }
    std::erase_if(outcome.selected, [this](uint32_t index) { return index >= wrappable_; });
  }

 private:
  // By its name, or by a glob that has found nothing else.
  static bool is_meant(std::span<const Term> terms, const Candidate& candidate, bool is_all) {
    return std::ranges::any_of(terms, [&](const Term& term) {
      if (term.exclude) return false;
      if (term.kind == Term::Kind::Name) return term.pattern == candidate.name;
      return is_all && !term.library.empty() && match_library(term.library, candidate.library);
    });
  }

  std::vector<Candidate> list_;
  size_t wrappable_ = 0, in_front_ = 0;  // where these end
};

// What is there at the start and refers to a function that only a library of dlopen's has (a weak
// reference) is bound before the stub library is able to answer.
std::set<std::string> references_of(const Images& front, const Images& behind) {
  std::set<std::string> names;
  for (const Images* libraries : {&front, &behind})
    for (const auto& library : *libraries)
      if (auto references = read_references(library->path))
        names.insert(references->begin(), references->end());
  return names;
}

void leave_out_referenced(const Images& front, const Images& behind,
                          const std::vector<BoundFunction>& bound, SelectionOutcome& outcome) {
  auto is_late = [&](uint32_t index) { return bound[index].is_late; };
  if (std::ranges::none_of(outcome.selected, is_late)) return;
  std::set<std::string> references = references_of(front, behind);
  std::erase_if(outcome.selected, [&](uint32_t index) {
    const BoundFunction& one = bound[index];
    if (!one.is_late || !references.contains(std::string(one.name))) return false;
    std::string name = std::string(one.name) + "@" + one.library->soname;
    outcome.warnings.push_back(
        name +
        " is not wrapped: a library of the program asks whether the function is there, and "
        "would be told that it is; -B " +
        name + " sees its calls");
    return true;
  });
}

}  // namespace

// The stub library has neither id nor socket yet.
Result<StoredTable> ProgramTables::choose(const Places& places, bool strict,
                                          std::vector<std::string>& warnings) {
  Images front = with_functions(places.front), behind = with_functions(places.behind),
         late = with_functions(places.late);
  std::vector<BoundFunction> bound = bind_functions(behind, late);
  Candidates candidates(bound, front, behind);
  auto outcome = select(options_.terms, candidates.list(), strict);
  if (!outcome) return outcome.error();
  candidates.leave_out_others(options_.terms, *outcome);
  leave_out_referenced(front, behind, bound, *outcome);
  warnings = outcome->warnings;
  if (!strict) warnings.clear();

  StoredTable table;
  std::vector<StubFunction> stubs;
  for (uint32_t index : outcome->selected) {
    FunctionInfo info = info_of(bound[index]);
    for (const Definition& definition : bound[index].definitions) {
      stubs.push_back(stub_for(bound[index], definition, info, options_));
      table.functions.push_back(info);
    }
  }
  table.stub_library = build_stub_library(stubs, 0, "", scope_patterns(options_.terms));
  return table;
}

Result<std::shared_ptr<const FunctionTable>> ProgramTables::table_for(
    const Places& places, bool strict, std::vector<std::string>& warnings) {
  std::vector<const Image*> images;
  for (const Images* part : {&places.front, &places.behind, &places.late}) {
    for (const auto& library : *part) images.push_back(library.get());
    images.push_back(nullptr);
  }
  if (auto known = tables_.find(images); known != tables_.end()) return known->second;

  Images libraries = places.all();
  std::string how_many =
      std::to_string(places.front.size()) + "+" + std::to_string(places.behind.size()) + " ";
  auto key = cache_.key(how_many + options_key(strict), libraries);
  std::optional<StoredTable> stored = key ? cache_.load(*key) : std::nullopt;
  if (!stored) {
    auto chosen = choose(places, strict, warnings);
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
  Places places = places_of(program, ld_library_path, own_preload);
  Prepared prepared;
  auto table = table_for(places, strict, prepared.warnings);
  if (!table) return table.error();
  prepared.table = *table;
  // A sanitizer's runtime insists on being first.
  for (const auto& library : places.front)
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
    return "is statically linked: it has no library calls to wrap; use --scope=process, or -B for "
           "its own functions";
  if (image.set_id && geteuid() != 0)
    return "is set-user-ID or has capabilities: it loads no foreign libraries and loses its rights "
           "under a tracer; run as root, or use --scope=process, which traces it without them";
  return {};
}

}  // namespace wc
