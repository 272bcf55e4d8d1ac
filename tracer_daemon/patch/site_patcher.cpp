#include "patch/site_patcher.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <optional>

#include "base/scoped_fd.h"
#include "catalog/glob.h"
#include "patch/site_thunk.h"
#include "proc/maps.h"

namespace wc {
namespace {

struct Jump {
  const SyscallSite* site;
  uint64_t at;
  uint8_t bytes[kJumpSize];
  unsigned* changed;  // counts it if memory is not as expected
  unsigned* patched;
};

// Added to an address as in the file; nothing where the mapping shows no code of it.
std::optional<uint64_t> bias_of(const SyscallSites& sites, uint64_t begin, uint64_t offset) {
  constexpr uint64_t kPage = 4096;
  for (const CodePlace& place : sites.code)
    if (offset >= place.offset / kPage * kPage && offset < place.offset + place.size)
      return begin - (offset - place.offset + place.address);
  return std::nullopt;
}

// The text of a stopped process. Sites that stand near each other are read and written at once.
class Text {
 public:
  explicit Text(pid_t pid) : pid_(pid) {
    char path[32];
    snprintf(path, sizeof path, "/proc/%d/mem", pid);
    memory_ = ScopedFd(open(path, O_RDWR | O_CLOEXEC));
  }

  bool write(uint64_t at, const void* bytes, size_t size) const {
    return pwrite(memory_.get(), bytes, size, static_cast<off_t>(at)) == static_cast<ssize_t>(size);
  }

  // Jumps in order of their addresses. Where the bytes are no longer what they were in the file,
  // nothing is written.
  void patch(std::vector<Jump>& jumps) const {
    std::vector<Run> runs;
    for (Jump& jump : jumps) {
      uint64_t end = jump.at + jump.site->original.size();
      bool near = !runs.empty() && end - runs.back().at <= kMaxRun &&
                  jump.at <= runs.back().at + runs.back().bytes.size() + kMaxGap;
      if (!near) runs.push_back({jump.at, {}, {}});
      runs.back().jumps.push_back(&jump);
      runs.back().bytes.resize(std::max<size_t>(runs.back().bytes.size(), end - runs.back().at));
    }
    for (size_t first = 0; first < runs.size(); first += kMaxVectors)
      read_runs({&runs[first], std::min(kMaxVectors, runs.size() - first)});
    for (Run& run : runs) patch_run(run);
  }

 private:
  struct Run {
    uint64_t at;
    std::vector<uint8_t> bytes;
    std::vector<Jump*> jumps;
    bool read = false;
  };
  // A page is copied whatever is written to it; a longer run only reads more.
  static constexpr size_t kMaxRun = 4096, kMaxGap = 1024;
  static constexpr size_t kMaxVectors = 512;

  void read_runs(std::span<Run> runs) const {
    std::vector<iovec> here, there;
    size_t size = 0;
    for (Run& run : runs) {
      here.push_back({run.bytes.data(), run.bytes.size()});
      there.push_back({reinterpret_cast<void*>(run.at), run.bytes.size()});
      size += run.bytes.size();
    }
    bool all = process_vm_readv(pid_, here.data(), here.size(), there.data(), there.size(), 0) ==
               static_cast<ssize_t>(size);
    for (Run& run : runs)
      run.read = all || pread(memory_.get(), run.bytes.data(), run.bytes.size(),
                              static_cast<off_t>(run.at)) == static_cast<ssize_t>(run.bytes.size());
  }

  void patch_run(Run& run) const {
    std::vector<Jump*> written;
    std::vector<uint8_t> before = run.bytes;
    for (Jump* jump : run.jumps) {
      const std::vector<uint8_t>& expected = jump->site->original;
      uint8_t* place = &run.bytes[jump->at - run.at];
      if (!run.read || !std::equal(expected.begin(), expected.end(), place)) {
        ++*jump->changed;
        continue;
      }
      std::memcpy(place, jump->bytes, kJumpSize);
      written.push_back(jump);
    }
    if (written.empty()) return;
    bool done = write(run.at, run.bytes.data(), run.bytes.size());
    // Half a jump must not stay where the second of two pages could not be written.
    if (!done) write(run.at, before.data(), before.size());
    for (Jump* jump : written) ++*(done ? jump->patched : jump->changed);
  }

  pid_t pid_;
  ScopedFd memory_;
};

}  // namespace

bool SitePatcher::is_asked_for(const std::string& path) {
  std::string name = path.substr(path.rfind('/') + 1);
  bool any = false;
  for (const std::string& glob : libraries_) {
    if (!match_glob(glob, name)) continue;
    any = true;
    met_.insert(glob);
  }
  return any;
}

std::vector<std::string> SitePatcher::unmet() const {
  // Nobody has asked for these, and an older glibc names them otherwise.
  constexpr std::string_view kByDefault[] = {"libc.so.6", "ld-linux-x86-64.so.2"};
  std::vector<std::string> globs;
  if (met_.empty()) return globs;
  for (const std::string& glob : libraries_) {
    const bool is_default =
        std::find(std::begin(kByDefault), std::end(kByDefault), glob) != std::end(kByDefault);
    if (!is_default && !met_.contains(glob)) globs.push_back(glob);
  }
  return globs;
}

// The code of the libraries that are to be patched. What can be written already is left alone.
std::vector<proc::Mapping> SitePatcher::mappings_of(pid_t pid) {
  auto maps = proc::read_maps(pid);
  if (!maps) return {};
  constexpr proc::Rights kCode{.read = true, .execute = true};
  std::vector<proc::Mapping> found;
  for (const proc::Mapping& mapping : maps->all())
    if (mapping.rights == kCode && mapping.has_file() && is_asked_for(mapping.path))
      found.push_back(mapping);
  return found;
}

std::shared_ptr<const SyscallSites> SitePatcher::sites_of(const std::string& path) {
  auto file = identify_file(path);
  if (!file) return nullptr;
  std::string key = path + '\n' + file->build_id + std::to_string(file->size) + '\n' +
                    std::to_string(file->modified_ns);
  auto [at, fresh] = known_.try_emplace(key);
  if (!fresh) return at->second;
  if (auto cached = cache_.load(*file)) {
    at->second = std::make_shared<const SyscallSites>(std::move(*cached));
  } else if (auto sites = find_syscall_sites(path)) {
    cache_.store(*file, *sites);
    at->second = std::make_shared<const SyscallSites>(std::move(*sites));
  }
  return at->second;
}

SitePatcher::Outcome SitePatcher::patch(Process& process) {
  Outcome outcome;
  const ShimAddresses& shim = process.shim;
  std::vector<uint8_t> thunks;
  std::vector<Jump> jumps;
  std::vector<std::shared_ptr<const SyscallSites>> used;
  auto mappings = mappings_of(process.pid);
  outcome.libraries.reserve(mappings.size());  // jumps point to the counts
  for (const proc::Mapping& mapping : mappings) {
    size_t known = known_.size();
    auto sites = sites_of(mapping.path);
    if (sites == nullptr) continue;
    auto bias = bias_of(*sites, mapping.range.begin, mapping.offset);
    if (!bias) continue;
    used.push_back(sites);
    LibraryOutcome& library = outcome.libraries.emplace_back();
    library.path = mapping.path;
    library.refused = sites->refused;
    library.is_new = known_.size() != known;
    for (const SyscallSite& site : sites->sites) {
      Jump jump{&site, site.start + *bias, {0xe9}, &library.changed, &library.patched};
      // A library's code may be mapped in several pieces, with other rights between them.
      if (jump.at < mapping.range.begin || site.syscall + *bias + 2 > mapping.range.end) continue;
      uint64_t at = shim.thunks + thunks.size();
      SiteThunk thunk(site, *bias, at, shim);
      if (site.nr >= plans_.size() || plans_[site.nr].action == WC_PLAN_TRACER) {
        library.tracers++;
      } else if (at + kThunkSize > shim.thunks_end || !thunk.fits() ||
                 !put_distance(jump.bytes + 1, jump.at + kJumpSize, at)) {
        library.far++;
      } else {
        thunks.insert(thunks.end(), thunk.bytes(), thunk.bytes() + kThunkSize);
        jumps.push_back(jump);
      }
    }
  }
  Text text(process.pid);
  if (jumps.empty())
    outcome.problem = "no syscall site was found in its libraries";
  else if (!text.write(shim.thunks, thunks.data(), thunks.size()))  // first where the jumps lead
    outcome.problem = "its text cannot be written";
  else
    text.patch(jumps);
  return outcome;
}

std::string describe(const SitePatcher::LibraryOutcome& outcome) {
  std::string text = outcome.path + ": " + std::to_string(outcome.patched) +
                     " syscall sites patched, " + std::to_string(outcome.left()) +
                     " left to dispatch";
  std::string why;
  auto add = [&](size_t count, const char* what) {
    if (count != 0) why += (why.empty() ? " (" : ", ") + std::to_string(count) + " " + what;
  };
  add(outcome.tracers, "the tracer's");
  add(outcome.refused.size(), "that cannot be moved");
  add(outcome.changed, "changed in memory");
  add(outcome.far, "too far from the shim");
  return text + (why.empty() ? why : why + ")");
}

}  // namespace wc
