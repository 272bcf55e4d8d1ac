#include "breakpoints/break_plan.h"

#include <sys/stat.h>

#include <algorithm>

#include "base/text.h"
#include "catalog/catalog.h"
#include "catalog/glob.h"
#include "catalog/near_functions.h"
#include "decode/decoder.h"
#include "symbols/demangle.h"

namespace wc {
namespace {

constexpr std::string_view kLibc = "libc.so.6";

// glibc's, and musl's by the names that it has.
bool is_libc(std::string_view soname) {
  return soname == kLibc || soname == "libc.so" || soname.starts_with("libc.musl-") ||
         soname.starts_with("ld-musl-");
}

FunctionInfo info_of(const FunctionNames& names, const std::string& library, bool in_libc) {
  FunctionInfo info;
  info.symbol = names.symbol;
  info.library = library;
  info.kind = WC_FUNCTION_BREAKPOINT;
  info.spec = in_libc ? find_function(names.symbol) : nullptr;
  info.name = info.spec != nullptr ? std::string(info.spec->family) : names.plain;
  info.thin = info.spec != nullptr && syscall_number(info.name) >= 0;
  return info;
}

// Read when the first of them is called.
void add_prototypes(const ObjectFile& object, BreakChoices& chosen) {
  std::shared_ptr<FunctionPrototypes> prototypes;
  for (BreakChoice& one : chosen.functions) {
    if (one.info.spec != nullptr || !has_its_own_parameters(one.info.symbol)) continue;
    if (prototypes == nullptr)
      prototypes = std::make_shared<FunctionPrototypes>(object.open_path, object.path);
    one.info.prototypes = prototypes;
    one.info.address = one.address;
  }
}

// Of several names at one address: one that libc's catalog knows, an exported one, a plain one.
bool is_better_name(const FunctionInfo& a, const FunctionInfo& b) {
  if ((a.spec != nullptr) != (b.spec != nullptr)) return a.spec != nullptr;
  size_t under_a = a.symbol.find_first_not_of('_'), under_b = b.symbol.find_first_not_of('_');
  return under_a < under_b || (under_a == under_b && a.symbol.size() < b.symbol.size());
}

using Chosen = std::map<uint64_t, FunctionInfo>;

void add(Chosen& chosen, uint64_t address, FunctionInfo info) {
  auto [at, fresh] = chosen.try_emplace(address, info);
  if (!fresh && is_better_name(info, at->second)) at->second = std::move(info);
}

std::string identity(const ObjectFile& object) {
  struct stat status {};
  if (stat(object.open_path.c_str(), &status) != 0) return object.path;
  return object.path + "/" + std::to_string(status.st_ino) + "/" +
         std::to_string(status.st_mtim.tv_sec) + "." + std::to_string(status.st_mtim.tv_nsec) +
         "/" + std::to_string(status.st_size);
}

std::string quoted(std::string_view text) { return "'" + std::string(text) + "'"; }

// "; did you mean 'work'?", or nothing.
std::string near_names(const BreakTerm& term, const std::vector<FunctionSymbol>& functions) {
  NearFunctions near(term);
  for (const FunctionSymbol& one : functions) near.add(names_of(one.name, demangle(one.name)));
  std::string text;
  for (const std::string& name : near.nearest())
    text += (text.empty() ? "; did you mean " : " or ") + quoted(name);
  return text.empty() ? text : text + "?";
}

// A glob may well meet one; who has named it waits for its calls.
void add_resolver(const std::string& name, const std::string& soname,
                  const std::vector<const BreakTerm*>& terms, BreakChoices& out) {
  bool is_named = std::ranges::any_of(terms, [&](const BreakTerm* term) {
    return !term->exclude && !term->is_glob && matches(*term, names_of(name, demangle(name)));
  });
  (is_named ? out.refusals : out.warnings)
      .push_back("breakpoint " + quoted(name) + " in " + soname +
                 ": it has several bodies, of which one is chosen at run time (IFUNC); name that "
                 "one");
}

// Of the libraries that the term names.
std::vector<FunctionSymbol> functions_of(const BreakTerm& term,
                                         const BreakPlan::Libraries& libraries) {
  std::vector<FunctionSymbol> all;
  for (const auto& library : libraries) {
    if (!match_library(term.library, library->soname)) continue;
    auto list = read_functions(library->path, library->path);
    if (list) all.insert(all.end(), list->functions.begin(), list->functions.end());
  }
  return all;
}

// How the bodies of an IFUNC could be named: libc's and gcc's ways. Empty where no symbol tells.
std::string glob_of_bodies(const BreakTerm& term, const std::string& path) {
  auto list = read_functions(path, path);
  if (!list) return {};
  for (const std::string& beginning : {"__" + term.pattern + "_", term.pattern + "."})
    for (const FunctionSymbol& one : list->functions)
      if (!one.ifunc && one.name.starts_with(beginning) && !one.name.ends_with(".resolver"))
        return beginning + "*";
  return {};
}

Error bodiless_error(const BreakTerm& term, const ObjectFile& program,
                     const BreakPlan::Libraries& libraries) {
  std::string bodies = term.library.empty() ? glob_of_bodies(term, program.open_path) : "";
  for (const auto& library : libraries) {
    bool is_meant = term.library.empty() || match_library(term.library, library->soname);
    if (!bodies.empty() || !is_meant) continue;
    bodies = glob_of_bodies(term, library->path);
    if (!bodies.empty()) bodies += "@" + library->soname;
  }
  return {"breakpoint " + quoted(term.text) +
              ": it has several bodies, of which one is chosen at run time (IFUNC), so that it can "
              "have no breakpoint" +
              (bodies.empty() ? "; name one body" : "; its bodies can: " + quoted(bodies)),
          0};
}

Error unknown_error(const BreakTerm& term, const ObjectFile& program,
                    const BreakPlan::Libraries& libraries) {
  std::string what = "breakpoint " + quoted(term.text) + ": ";
  if (!term.library.empty())
    return {what + term.library + " has no such function" +
                near_names(term, functions_of(term, libraries)),
            0};
  auto list = read_functions(program.open_path, program.path);
  if (!list || !list->has_symtab)
    return {what + "not in a library, and " + std::string(base_name(program.path)) +
                " is stripped: it has no symbol table that would say where its functions are; "
                "install its debug symbols, or name NAME@LIBRARY",
            0};
  std::string later = " (for a library that comes by dlopen, name " + term.pattern + "@LIBRARY)";
  return {what + "no such function in " + std::string(base_name(program.path)) +
              " or its libraries" + near_names(term, list->functions) + (term.is_glob ? "" : later),
          0};
}

}  // namespace

std::string BreakPlan::soname_of(const ObjectFile& object) {
  auto image = read_image(object.open_path, false);
  return image ? soname_of(object, *image) : std::string(base_name(object.path));
}

// A library without DT_SONAME is known by its file's name, and that is not always the one by which
// the file can still be opened.
std::string BreakPlan::soname_of(const ObjectFile& object, const Image& image) {
  bool has_soname = image.soname != base_name(object.open_path);
  return has_soname && !object.is_program ? image.soname : std::string(base_name(object.path));
}

namespace {

struct Selectable {
  std::vector<ExportedFunction> functions;
  bool is_libc = false;
};

// What -F selects from: what a library exports, or the symbols of a static program, in which libc
// is.
Selectable selectable(const ObjectFile& object, const std::string& soname, Image& image) {
  if (image.is_dynamic || !object.is_program) return {std::move(image.functions), is_libc(soname)};
  Selectable found;
  auto list = read_functions(object.open_path, object.path);
  if (!list) return found;
  for (const FunctionSymbol& function : list->functions) {
    found.is_libc = found.is_libc || function.name == "__libc_start_main";
    ExportedFunction& one = found.functions.emplace_back();
    one.name = function.name;
    one.address = function.address;
    one.ifunc = function.ifunc;
  }
  return found;
}

}  // namespace

// -F
void BreakPlan::choose_exported(const ObjectFile& object, const std::string& soname,
                                BreakChoices& out) {
  auto image = read_image(object.open_path, true);
  if (!image) return;
  const Selectable from = selectable(object, soname, *image);
  std::vector<Candidate> candidates;
  for (const ExportedFunction& function : from.functions)
    candidates.push_back({function.name, soname, from.is_libc});
  auto outcome = select(exported_, candidates, false);
  if (!outcome) return;
  Chosen chosen;
  for (uint32_t index : outcome->selected) {
    const ExportedFunction& function = from.functions[index];
    if (function.ifunc) continue;  // its address is that of its resolver; libc's enter no kernel
    add(chosen, function.address,
        info_of(names_of(function.name, demangle(function.name)), soname, from.is_libc));
  }
  for (auto& [address, info] : chosen) out.functions.push_back({address, std::move(info)});
}

void BreakPlan::choose_by_symbol(const ObjectFile& object, const std::string& soname,
                                 const std::vector<const BreakTerm*>& terms, BreakChoices& out) {
  auto list = read_functions(object.open_path, object.path);
  if (!list) return;
  FunctionSources sources(object.open_path, object.path);
  Chosen chosen;
  std::set<std::string> resolvers;
  for (const FunctionSymbol& function : list->functions) {
    FunctionNames names = names_of(function.name, demangle(function.name));
    bool selected = false;
    for (const BreakTerm* term : terms) {
      if (selected != term->exclude || !matches(*term, names)) continue;
      if (!term->source.empty() && !sources.stands_in(function, term->source)) continue;
      selected = !term->exclude;
      if (selected) (function.ifunc ? out.bodiless : out.found).insert(term->text);
    }
    if (selected && function.ifunc) resolvers.insert(function.name);
    if (selected && !function.ifunc)
      add(chosen, function.address, info_of(names, soname, is_libc(soname)));
  }
  for (const std::string& name : resolvers) add_resolver(name, soname, terms, out);
  std::set<uint64_t> exported;  // by -F, which come first
  for (const BreakChoice& one : out.functions) exported.insert(one.address);
  for (auto& [address, info] : chosen)
    if (!exported.contains(address)) out.functions.push_back({address, std::move(info)});
}

namespace {

// Whether a term can mean functions of the object, as far as its name does not matter.
bool may_mean(const BreakTerm& term, const ObjectFile& object,
              const std::set<std::string>& in_program) {
  if (!term.library.empty() || object.is_program || term.exclude) return true;
  return !term.is_glob && !in_program.contains(term.text);
}

}  // namespace

Result<BreakChoices> BreakPlan::choose(const ObjectFile& object,
                                       const std::set<std::string>& in_program) {
  auto can_select = [&](const BreakTerm& term) {
    return !term.exclude && may_mean(term, object, in_program);
  };
  // Programs load libraries by the thousand; where no term can mean one, it is not even opened.
  if (exported_.empty() && std::ranges::none_of(terms_, can_select)) return BreakChoices{};
  std::string soname = soname_of(object);
  std::vector<const BreakTerm*> terms;
  bool selects = false;
  std::string key = identity(object) + (object.is_program ? "/program" : "");
  for (const BreakTerm& term : terms_) {
    bool here = term.library.empty() ? may_mean(term, object, in_program)
                                     : match_library(term.library, soname);
    if (!here) continue;
    terms.push_back(&term);
    selects = selects || !term.exclude;
    key += '\n' + term.text;
  }
  if (auto known = known_.find(key); known != known_.end()) return known->second;
  BreakChoices out;
  if (!exported_.empty()) choose_exported(object, soname, out);
  if (selects) choose_by_symbol(object, soname, terms, out);
  add_prototypes(object, out);
  known_.emplace(std::move(key), out);
  return out;
}

Status BreakPlan::check(const ObjectFile& program, const Libraries& libraries) {
  if (terms_.empty()) return Done{};
  auto own = choose(program, {});
  if (!own) return own.error();
  std::set<std::string> found = own->found, bodiless = own->bodiless, sonames;
  for (const auto& library : libraries) {
    sonames.insert(library->soname);
    auto theirs = choose({library->path, library->path, false}, own->found);
    if (!theirs) continue;
    found.insert(theirs->found.begin(), theirs->found.end());
    bodiless.insert(theirs->bodiless.begin(), theirs->bodiless.end());
  }
  for (const BreakTerm& term : terms_) {
    if (term.exclude) continue;
    // A namesake elsewhere (ld.so has a memcpy) or an old version is not what was meant.
    bool has_other = term.is_glob || has_glob(term.library) ? found.contains(term.text)
                                                            : own->found.contains(term.text);
    bool is_bodiless = bodiless.contains(term.text) && !has_other;
    if (is_bodiless) return bodiless_error(term, program, libraries);
    auto is_meant = [&](const std::string& name) { return match_library(term.library, name); };
    bool comes_later = !term.library.empty() &&
                       (has_glob(term.library) || std::ranges::none_of(sonames, is_meant));
    if (!found.contains(term.text) && !comes_later) return unknown_error(term, program, libraries);
  }
  return Done{};
}

bool BreakPlan::names_library(const std::string& name) const {
  auto names = [&](const auto& term) {
    return !term.exclude && !term.library.empty() && match_library(term.library, name);
  };
  return std::ranges::any_of(terms_, names) || std::ranges::any_of(exported_, names) ||
         (name == kLibc && !exported_.empty());
}

namespace {

// A library that is neither mapped nor found is a slip, unless a glob says that it comes later.
template <typename AnyTerm>
Status check_library(const AnyTerm& term, const std::set<std::string>& sonames) {
  if (term.exclude || term.library.empty() || has_glob(term.library)) return Done{};
  auto is_meant = [&](const std::string& name) { return match_library(term.library, name); };
  if (std::ranges::any_of(sonames, is_meant)) return Done{};
  if (LibraryCache().find(term.library, "", ImageDepth::Names) != nullptr) return Done{};
  std::vector<std::string_view> names(sonames.begin(), sonames.end());
  std::string near;
  for (std::string_view name : nearest(term.library, names))
    near += (near.empty() ? "; did you mean " : " or ") + quoted(name);
  return Error{quoted(term.text) + ": the process has no library " + quoted(term.library) +
                   (near.empty() ? near : near + "?") +
                   " (one that it loads later may be named by "
                   "a glob: " +
                   term.pattern + "@" + term.library + "*)",
               0};
}

}  // namespace

Status BreakPlan::check_running(const std::vector<ObjectFile>& objects,
                                std::vector<std::string>& warnings) {
  std::vector<std::pair<std::string, Selectable>> images;  // by soname
  std::set<std::string> sonames;
  for (const ObjectFile& object : objects) {
    auto image = read_image(object.open_path, true);
    std::string soname = image ? soname_of(object, *image) : std::string(base_name(object.path));
    sonames.insert(soname);
    if (!image) continue;
    Selectable from = selectable(object, soname, *image);
    images.emplace_back(std::move(soname), std::move(from));
  }
  for (const Term& term : exported_)
    if (auto known = check_library(term, sonames); !known) return known;
  for (const BreakTerm& term : terms_)
    if (auto known = check_library(term, sonames); !known) return known;
  if (exported_.empty()) return Done{};
  for (const Term& term : exported_) {
    if (term.kind == Term::Kind::Scope && !term.exclude)
      return Error{quoted(term.text) +
                       ": scopes of the program's own are seen where it is started by wc-preload; "
                       "a process that runs already can be given no library",
                   0};
  }
  std::vector<Candidate> candidates;
  std::vector<const ExportedFunction*> functions;
  for (const auto& [soname, image] : images)
    for (const ExportedFunction& function : image.functions) {
      candidates.push_back({function.name, soname, image.is_libc});
      functions.push_back(&function);
    }
  auto outcome = select(exported_, candidates, true);
  if (!outcome) return outcome.error();
  warnings = outcome->warnings;
  auto is_ifunc = [&](uint32_t index) { return functions[index]->ifunc; };
  if (!warnings.empty() || !std::ranges::all_of(outcome->selected, is_ifunc)) return Done{};
  if (!outcome->selected.empty())
    return Error{"the body of " + quoted(functions[outcome->selected[0]]->name) +
                     " is chosen at run time, so that it can have no breakpoint; -B with the name "
                     "of one body can",
                 0};
  return Error{
      "no library of the process has a function that -F selects; a static program's "
      "functions are named by -B, and --scope=process reports every system call",
      0};
}

uint64_t address_of_function(const ObjectFile& object, const std::string& name) {
  auto list = read_functions(object.open_path, object.path);
  if (!list) return 0;
  for (const FunctionSymbol& function : list->functions)
    if (function.name == name && !function.ifunc) return function.address;
  return 0;
}

}  // namespace wc
