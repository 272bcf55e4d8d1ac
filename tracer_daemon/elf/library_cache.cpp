// Where ld.so(8) would find each library, and what is known of it. After the first look this costs
// stat(2) calls only, because it runs at each exec of each traced process.
// One thread at a time.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <climits>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <unordered_set>

#include "base/scoped_fd.h"
#include "base/text.h"
#include "elf/image.h"
#include "elf/ld_so_cache.h"
#include "elf/search_path.h"

namespace wc {

namespace {

constexpr const char* kLdSoCache = "/etc/ld.so.cache";
constexpr const char* kLdSoPreload = "/etc/ld.so.preload";
constexpr const char* kMuslPathFile = "/etc/ld-musl-x86_64.path";
constexpr off_t kMaxConfiguration = off_t{64} << 20;
constexpr size_t kMaxImages =
    1024;  // of libc's size that is 400 MB; programs share their libraries
constexpr size_t kMaxProbes = 1 << 16;  // a hostile search path must not hold up the tracer
constexpr size_t kMaxLibraries = 4096;

std::string_view folder_of(std::string_view path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string_view::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

struct FileId {
  dev_t device = 0;
  ino_t inode = 0;
  off_t size = 0;
  int64_t modified_ns = 0;
  friend bool operator==(const FileId&, const FileId&) = default;
};

std::optional<FileId> identify(const std::string& path) {
  struct stat status = {};
  if (::stat(path.c_str(), &status) != 0 || !S_ISREG(status.st_mode)) return std::nullopt;
  constexpr int64_t kNanoseconds = 1'000'000'000;
  return FileId{status.st_dev, status.st_ino, status.st_size,
                status.st_mtim.tv_sec * kNanoseconds + status.st_mtim.tv_nsec};
}

bool is_folder(const std::string& path) {
  struct stat status = {};
  return ::stat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode);
}

// Empty when the file cannot be read: all of these are optional.
std::string read_configuration(const char* path) {
  const ScopedFd fd(::open(path, O_RDONLY | O_CLOEXEC));
  struct stat status = {};
  if (!fd.valid() || ::fstat(fd.get(), &status) != 0 || !S_ISREG(status.st_mode) ||
      status.st_size > kMaxConfiguration)
    return {};
  std::string text(static_cast<size_t>(status.st_size), '\0');
  const ssize_t size = ::pread(fd.get(), text.data(), text.size(), 0);
  text.resize(size > 0 ? static_cast<size_t>(size) : 0);
  return text;
}

// A file of /etc, parsed again when it changed.
template <typename T>
class Configuration {
 public:
  Configuration(const char* path, T (*parse)(std::string_view)) : path_(path), parse_(parse) {}
  const T& get() {
    const auto now = identify(path_);
    if (now != read_) value_ = now ? parse_(read_configuration(path_.c_str())) : T{};
    read_ = now;
    return value_;
  }

 private:
  std::string path_;
  T (*parse_)(std::string_view);
  std::optional<FileId> read_;
  T value_;
};

// ld.so.preload(5): names separated by blanks or colons; "#" begins a comment.
std::vector<std::string> parse_preload(std::string_view text) {
  std::vector<std::string> names;
  while (!text.empty()) {
    const size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
    line = line.substr(0, line.find('#'));
    for (size_t at = 0; (at = line.find_first_not_of(" \t:", at)) != std::string_view::npos;) {
      const size_t stop = std::min(line.find_first_of(" \t:", at), line.size());
      names.emplace_back(line.substr(at, stop - at));
      at = stop;
    }
  }
  return names;
}

std::vector<std::string> parse_musl_path(std::string_view text) {
  std::vector<std::string> folders;
  for (size_t at = 0; (at = text.find_first_not_of(":\n", at)) != std::string_view::npos;) {
    const size_t stop = std::min(text.find_first_of(":\n", at), text.size());
    folders.emplace_back(text.substr(at, stop - at));
    at = stop;
  }
  return folders;
}

// musl has these in its libc and never looks for a file.
bool is_part_of_musl(std::string_view name) {
  static constexpr std::array<std::string_view, 7> kParts{
      "libc.", "libpthread.", "librt.", "libm.", "libdl.", "libutil.", "libxnet."};
  for (const auto part : kParts)
    if (name.starts_with(part)) return true;
  return false;
}

// The folders that exist, each behind its glibc-hwcaps subfolders that fit the processor.
std::vector<std::string> existing_folders(const std::vector<std::string>& folders) {
  std::vector<std::string> found;
  for (const auto& folder : folders) {
    if (!is_folder(folder)) continue;
    const std::string hwcaps = folder + "/glibc-hwcaps";
    for (int level = is_folder(hwcaps) ? processor_level() : 1; level > 1; --level) {
      std::string fitting = hwcaps + "/x86-64-v" + std::to_string(level);
      if (is_folder(fitting)) found.push_back(std::move(fitting));
    }
    found.push_back(folder);
  }
  return found;
}

struct Library {
  FileId id;
  std::shared_ptr<const Image> image;  // without functions; null: the file is no library for us
  std::shared_ptr<const Image> whole;  // with functions, once they were asked for
};

// What outlives a search.
class Store {
 public:
  // nullopt when there is no such file, or none that a 64-bit program can load: ld.so searches on.
  std::optional<Library> open(const std::string& path);
  std::shared_ptr<const Image> with_functions(const std::shared_ptr<const Image>& image);

  Configuration<LibraryPaths> ld_so_cache{kLdSoCache, parse_ld_so_cache};
  Configuration<std::vector<std::string>> preload{kLdSoPreload, parse_preload};
  Configuration<std::vector<std::string>> musl_path{kMuslPathFile, parse_musl_path};

 private:
  std::unordered_map<std::string, Library> libraries_;
};

std::optional<Library> Store::open(const std::string& path) {
  const auto id = identify(path);
  if (!id) return std::nullopt;
  auto known = libraries_.find(path);
  if (known == libraries_.end() || known->second.id != *id) {
    // Whoever still uses an image shares it; the cache may forget all of them.
    if (libraries_.size() >= kMaxImages) libraries_.clear();
    Library library{*id, nullptr, nullptr};
    auto image = read_image(path, false);
    if (image && image->is_x86_64 && image->is_dynamic)
      library.image = std::make_shared<const Image>(std::move(*image));
    known = libraries_.insert_or_assign(path, std::move(library)).first;
  }
  if (known->second.image == nullptr) return std::nullopt;
  return known->second;
}

std::shared_ptr<const Image> Store::with_functions(const std::shared_ptr<const Image>& image) {
  auto known = libraries_.find(image->path);
  bool is_known = known != libraries_.end() && known->second.image == image;
  if (is_known && known->second.whole != nullptr) return known->second.whole;
  auto read = read_image(image->path, true);
  auto whole = read ? std::make_shared<const Image>(std::move(*read)) : image;
  if (is_known) known->second.whole = whole;
  return whole;
}

// One search: a program, its environment, and the libraries found so far.
class Search {
 public:
  Search(Store& store, const Image& program, const std::string& ld_library_path)
      : store_(store), program_(program), environment_(ld_library_path) {
    objects_.push_back({.view = &program});
    if (program.set_id) environment_.clear();  // secure execution
  }

  StartUp closure(const std::vector<std::string>& preloads) &&;  // takes the libraries out
  std::shared_ptr<const Image> resolve(const std::string& name);

 private:
  using Folders = std::vector<std::string>;
  struct Object {
    const Image* view = nullptr;
    std::shared_ptr<const Image> image;  // null for the program
    FileId id;
    size_t loader = 0;  // who asked for it first; the program asks for itself
    std::optional<Folders> rpath, runpath;
  };

  void add(const std::string& name, size_t loader);
  std::optional<Library> locate(const std::string& name, size_t loader);
  std::optional<Library> search_rpath(const std::string& name, size_t loader);
  std::optional<Library> search_system(const std::string& name);
  std::optional<Library> search(const Folders& folders, const std::string& name);
  [[nodiscard]] bool is_interpreter(std::string_view name) const;
  [[nodiscard]] std::string origin(const Object& object) const;
  const Folders& environment_folders();
  const Folders& default_folders_here();
  const Folders& rpath(Object& object);
  const Folders& runpath(Object& object);

  Store& store_;
  const Image& program_;
  std::string environment_;
  std::vector<Object> objects_;            // the program first, then in load order
  std::unordered_set<std::string> names_;  // by which something is loaded or was looked for
  std::optional<Folders> environment_folders_, default_folders_;
  std::string candidate_;
  size_t probes_ = 0;
};

StartUp Search::closure(const std::vector<std::string>& preloads) && {
  StartUp start;
  for (const auto& name : preloads) add(name, 0);
  start.preloaded = objects_.size() - 1;
  if (!program_.is_musl)
    for (const auto& name : store_.preload.get()) add(name, 0);
  for (size_t i = 0; i < objects_.size(); ++i)
    for (const auto& name : objects_[i].view->needed) add(name, i);
  start.libraries.reserve(objects_.size() - 1);
  for (size_t i = 1; i < objects_.size(); ++i)
    start.libraries.push_back(std::move(objects_[i].image));
  return start;
}

std::shared_ptr<const Image> Search::resolve(const std::string& name) {
  auto library = locate(name, 0);
  return library ? library->image : nullptr;
}

void Search::add(const std::string& name, size_t loader) {
  if (objects_.size() > kMaxLibraries || !names_.insert(name).second) return;
  auto library = locate(name, loader);
  if (!library) return;
  for (const auto& object : objects_)
    if (object.image != nullptr && object.id == library->id) return;
  names_.insert(library->image->soname);
  const Image* view = library->image.get();
  objects_.push_back({view, std::move(library->image), library->id, loader, {}, {}});
}

auto Search::locate(const std::string& name, size_t loader) -> std::optional<Library> {
  if (is_interpreter(name)) return store_.open(program_.interpreter);
  if (name.find('/') != std::string::npos)
    return store_.open(
        name.find('$') == std::string::npos ? name : expand_tokens(name, origin(objects_[loader])));
  if (auto found = search_rpath(name, loader)) return found;
  if (auto found = search(environment_folders(), name)) return found;
  if (auto found = search(runpath(objects_[loader]), name)) return found;
  return search_system(name);
}

// RPATH is inherited from whoever loaded the loader, RUNPATH is not and switches RPATH off.
auto Search::search_rpath(const std::string& name, size_t loader) -> std::optional<Library> {
  if (!objects_[loader].view->runpath.empty()) return std::nullopt;
  for (size_t i = loader;; i = objects_[i].loader) {
    if (objects_[i].view->runpath.empty())
      if (auto found = search(rpath(objects_[i]), name)) return found;
    if (i == 0) return std::nullopt;
  }
}

auto Search::search_system(const std::string& name) -> std::optional<Library> {
  if (!program_.is_musl) {
    const auto& cached = store_.ld_so_cache.get();
    if (const auto entry = cached.find(name); entry != cached.end())
      if (auto found = store_.open(entry->second)) return found;
  }
  return search(default_folders_here(), name);
}

auto Search::search(const Folders& folders, const std::string& name) -> std::optional<Library> {
  for (const auto& folder : folders) {
    if (++probes_ > kMaxProbes) break;
    candidate_.assign(folder).append("/").append(name);
    if (auto found = store_.open(candidate_)) return found;
  }
  return std::nullopt;
}

// The loader is there before anything is searched, under its name and for musl as the libc.
bool Search::is_interpreter(std::string_view name) const {
  if (program_.interpreter.empty()) return false;
  if (program_.is_musl && is_part_of_musl(name)) return true;
  return name == base_name(program_.interpreter);
}

// ld.so takes a library's folder as it was opened, and the program's from /proc/self/exe, without
// symbolic links.
std::string Search::origin(const Object& object) const {
  const std::string& path = object.view->path;
  if (&object == &objects_.front() || !path.starts_with('/')) {
    std::array<char, PATH_MAX> resolved;
    if (::realpath(path.c_str(), resolved.data()) != nullptr)
      return std::string(folder_of(resolved.data()));
  }
  return std::string(folder_of(path));
}

auto Search::environment_folders() -> const Folders& {
  if (!environment_folders_) {
    const bool tokens = environment_.find('$') != std::string::npos;
    environment_folders_ = existing_folders(
        split_environment_path(environment_, tokens ? origin(objects_.front()) : std::string()));
  }
  return *environment_folders_;
}

auto Search::default_folders_here() -> const Folders& {
  if (default_folders_) return *default_folders_;
  if (program_.is_musl) {
    const auto& configured = store_.musl_path.get();
    default_folders_ =
        configured.empty() ? Folders{"/lib", "/usr/local/lib", "/usr/lib"} : configured;
  } else {
    default_folders_ = existing_folders(default_folders());
  }
  return *default_folders_;
}

auto Search::rpath(Object& object) -> const Folders& {
  if (!object.rpath)
    object.rpath = object.view->rpath.empty()
                       ? Folders{}
                       : existing_folders(split_search_path(object.view->rpath, origin(object)));
  return *object.rpath;
}

auto Search::runpath(Object& object) -> const Folders& {
  if (!object.runpath)
    object.runpath =
        object.view->runpath.empty()
            ? Folders{}
            : existing_folders(split_search_path(object.view->runpath, origin(object)));
  return *object.runpath;
}

}  // namespace

struct LibraryCache::State {
  Store store;
};

LibraryCache::LibraryCache() : state_(std::make_unique<State>()) {}
LibraryCache::~LibraryCache() = default;

StartUp LibraryCache::start_up(const Image& program, const std::string& ld_library_path,
                               const std::vector<std::string>& preloads) {
  if (!program.is_dynamic || !program.is_x86_64) return {};
  return Search(state_->store, program, ld_library_path).closure(preloads);
}

std::vector<std::shared_ptr<const Image>> LibraryCache::closure(const Image& program,
                                                                const std::string& ld_library_path,
                                                                ImageDepth depth) {
  if (!program.is_dynamic || !program.is_x86_64) return {};
  auto libraries = start_up(program, ld_library_path, {}).libraries;
  if (depth == ImageDepth::Functions)
    for (auto& library : libraries) library = with_functions(library);
  return libraries;
}

std::shared_ptr<const Image> LibraryCache::with_functions(
    const std::shared_ptr<const Image>& image) {
  return state_->store.with_functions(image);
}

std::shared_ptr<const Image> LibraryCache::find(const std::string& soname,
                                                const std::string& ld_library_path,
                                                ImageDepth depth) {
  static const Image nobody;
  auto resolve = [&](const std::string& name) {
    auto image = Search(state_->store, nobody, ld_library_path).resolve(name);
    return image != nullptr && depth == ImageDepth::Functions ? with_functions(image) : image;
  };
  auto image = resolve(soname);
  if (image != nullptr || soname.find_first_of("/.") != std::string::npos) return image;
  // "libz" for libz.so.1: of several the highest name, as ldconfig orders them.
  std::string best;
  auto offer = [&](const std::string& name) {
    if (name.starts_with(soname + ".so") && best < name) best = name;
  };
  for (const auto& [name, path] : state_->store.ld_so_cache.get()) offer(name);
  for (size_t at = 0; at < ld_library_path.size();) {
    const size_t end = std::min(ld_library_path.find_first_of(":;", at), ld_library_path.size());
    std::error_code ignored;
    for (const auto& entry :
         std::filesystem::directory_iterator(ld_library_path.substr(at, end - at), ignored))
      offer(entry.path().filename().string());
    at = end + 1;
  }
  return best.empty() ? nullptr : resolve(best);
}

}  // namespace wc
