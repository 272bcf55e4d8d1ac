#include "elf/bindings.h"

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

namespace wc {
namespace {

constexpr std::string_view kLibc = "libc.so.6";
constexpr std::string_view kLoader = "ld-linux-x86-64.so.2";  // not a program's business

class Binder {
 public:
  void add(const Image& library, bool is_late) {
    library_ = &library;
    is_late_ = is_late;
    number_++;
    for (const ExportedFunction& function : library.functions) add(function);
    // What is a variable in front cannot be a function behind.
    hidden_.insert(library.variables.begin(), library.variables.end());
  }

  void note_libc(const Image& libc) {
    for (const ExportedFunction& function : libc.functions)
      if (function.default_version) libcs_.try_emplace(function.name, function.version);
  }

  std::vector<BoundFunction> take() { return std::move(bound_); }

 private:
  // Numbers of the libraries, from 1, that take what is asked for in these ways; 0: none does yet.
  struct Name {
    int all = 0, newest = 0, unversioned = 0;
    size_t last = 0;  // its last place in bound_
    std::vector<std::string_view> versions;
  };

  [[nodiscard]] bool is_before(int number) const { return number != 0 && number < number_; }

  void add(const ExportedFunction& function) {
    if (hidden_.contains(function.name)) return;
    auto [at, fresh] = names_.try_emplace(function.name);
    Name& name = at->second;
    if (is_before(name.all)) return;
    bool has_version = !function.version.empty();
    if (has_version && std::ranges::find(name.versions, function.version) != name.versions.end())
      return;
    if (has_version) name.versions.push_back(function.version);

    bool is_newest = function.default_version || !has_version;
    bool is_oldest = function.oldest_version && !function.default_version;
    Definition definition{&function, is_newest && !is_before(name.newest),
                          is_oldest && !is_before(name.unversioned)};
    if (is_newest && name.newest == 0) name.newest = number_;
    if ((is_newest || is_oldest) && name.unversioned == 0) name.unversioned = number_;
    if (function.default_version && !has_version) name.all = number_;
    append(name, fresh, definition);
  }

  void append(Name& name, bool fresh, const Definition& definition) {
    if (fresh || bound_[name.last].library != library_) {
      name.last = bound_.size();
      bound_.push_back({definition.function->name, library_, {}, false, is_late_});
    }
    BoundFunction& bound = bound_[name.last];
    bound.definitions.push_back(definition);
    bound.is_libcs = bound.is_libcs || (!is_late_ && takes_libcs_place(*definition.function));
  }

  [[nodiscard]] bool takes_libcs_place(const ExportedFunction& function) const {
    if (library_->soname == kLibc) return true;
    auto libcs = libcs_.find(function.name);
    if (libcs == libcs_.end()) return false;
    return function.version.empty() ? function.default_version : function.version == libcs->second;
  }

  const Image* library_ = nullptr;
  bool is_late_ = false;
  int number_ = 0;
  std::unordered_map<std::string_view, Name> names_;
  std::unordered_set<std::string_view> hidden_;
  std::unordered_map<std::string_view, std::string_view> libcs_;
  std::vector<BoundFunction> bound_;
};

}  // namespace

std::vector<BoundFunction> bind_functions(const Images& start, const Images& late) {
  Binder binder;
  for (const auto& library : start)
    if (library->soname == kLibc) binder.note_libc(*library);
  for (const auto& library : start)
    if (library->soname != kLoader) binder.add(*library, false);
  for (const auto& library : late) binder.add(*library, true);
  return binder.take();
}

}  // namespace wc
