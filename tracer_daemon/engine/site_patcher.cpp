#include "engine/site_patcher.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <optional>
#include <sstream>

namespace wc {
namespace {

constexpr uint64_t kPage = 4096;
// preload_lib/frame.h
constexpr size_t kThunkSize = 64;
constexpr size_t kThunkBack = 56;

bool is_patched_library(const std::string& path) {
  std::string name = path.substr(path.rfind('/') + 1);
  return name == "libc.so.6" || name == "ld-linux-x86-64.so.2";
}

// Both must be within 2 GiB of each other.
bool put_distance(uint8_t* at, uint64_t from, uint64_t to) {
  auto distance = static_cast<int64_t>(to - from);
  auto narrow = static_cast<int32_t>(distance);
  std::memcpy(at, &narrow, sizeof narrow);
  return narrow == distance;
}

// The thunk of one site, see preload_lib/entry.S. Empty: too far away.
class Thunk {
 public:
  Thunk(const SyscallSite& site, uint64_t bias, uint64_t at, const ShimAddresses& shim) : at_(at) {
    for (uint8_t byte : site.moved) put({byte});
    for (const Fixup& fixup : site.fixups)
      fits_ = put_distance(&bytes_[fixup.at], at + fixup.end, fixup.target + bias) && fits_;
    uint64_t back = site.syscall + bias + 2;
    size_t lea = size_;
    put({0x48, 0x8d, 0x0d, 0, 0, 0, 0});           // lea back(%rip), %rcx
    put({0x64, 0x80, 0x3c, 0x25, 0, 0, 0, 0, 0});  // cmpb $0, %fs:selector
    auto selector = static_cast<int32_t>(shim.selector_offset);
    std::memcpy(&bytes_[size_ - 5], &selector, sizeof selector);
    put({0x0f, 0x85, 0, 0, 0, 0});  // jne site
    aim(shim.site);
    put({0x0f, 0x05});  // syscall
    put_distance(&bytes_[lea + 3], at + lea + 7, at + kThunkBack);
    put({0xe9, 0, 0, 0, 0});  // jmp back
    aim(back);
    std::memcpy(&bytes_[kThunkBack], &back, sizeof back);
  }
  [[nodiscard]] bool fits() const { return fits_; }
  [[nodiscard]] const uint8_t* bytes() const { return bytes_; }

 private:
  void put(std::initializer_list<uint8_t> bytes) {
    for (uint8_t byte : bytes) bytes_[size_++] = byte;
  }
  void aim(uint64_t to) { fits_ = put_distance(&bytes_[size_ - 4], at_ + size_, to) && fits_; }

  uint64_t at_;
  uint8_t bytes_[kThunkSize] = {};
  size_t size_ = 0;
  bool fits_ = true;
};
static_assert(kMaxMoved + 7 + 9 + 6 + 2 + 5 <= kThunkBack);

// Writes to the text of a stopped process, a page at a time.
class TextWriter {
 public:
  explicit TextWriter(ProcessMemory& memory) : memory_(memory) {}
  ~TextWriter() { flush(); }

  // Where the bytes are no longer what they were in the file, nothing is written.
  bool replace(uint64_t at, const std::vector<uint8_t>& expected,
               const uint8_t (&jump)[kJumpSize]) {
    uint64_t page = at / kPage * kPage;
    if (page != page_) {
      flush();
      if (!memory_.read_all({page}, bytes_, sizeof bytes_)) return false;
      page_ = page;
    }
    // One that stands across a border is left alone.
    if (at + expected.size() > page + kPage) return false;
    uint8_t* place = bytes_ + (at - page);
    if (!std::equal(expected.begin(), expected.end(), place)) return false;
    std::memcpy(place, jump, sizeof jump);
    changed_ = true;
    return true;
  }
  void flush() {
    if (std::exchange(changed_, false)) memory_.write({page_}, bytes_, sizeof bytes_);
  }

 private:
  ProcessMemory& memory_;
  uint64_t page_ = 1;
  uint8_t bytes_[kPage];
  bool changed_ = false;
};

}  // namespace

// The executable mapping of each, and where it stands.
std::vector<SitePatcher::Library> SitePatcher::libraries_of(pid_t pid) {
  std::vector<Library> found;
  std::ifstream maps("/proc/" + std::to_string(pid) + "/maps");
  for (std::string line; std::getline(maps, line);) {
    std::istringstream fields(line);
    std::string range, rights, offset, device, inode, path;
    fields >> range >> rights >> offset >> device >> inode;
    std::getline(fields >> std::ws, path);
    if (rights != "r-xp" || !is_patched_library(path)) continue;
    // libc's and ld.so's segments are loaded at address = offset.
    found.push_back({path, std::stoull(range, nullptr, 16) - std::stoull(offset, nullptr, 16)});
  }
  return found;
}

std::shared_ptr<const SyscallSites> SitePatcher::sites_of(const std::string& path) {
  struct stat status {};
  if (stat(path.c_str(), &status) != 0) return nullptr;
  std::string key = path + "/" + std::to_string(status.st_ino) + "/" +
                    std::to_string(status.st_mtim.tv_sec) + "/" + std::to_string(status.st_size);
  auto [at, fresh] = known_.try_emplace(key);
  if (fresh)
    if (auto sites = find_syscall_sites(path))
      at->second = std::make_shared<const SyscallSites>(std::move(*sites));
  return at->second;
}

SitePatcher::Outcome SitePatcher::patch(Process& process) {
  Outcome outcome;
  const ShimAddresses& shim = process.shim;
  std::vector<uint8_t> thunks;
  TextWriter writer(process.memory);
  struct Jump {
    const SyscallSite* site;
    uint64_t bias;
  };
  std::vector<Jump> jumps;
  std::vector<std::shared_ptr<const SyscallSites>> used;
  for (const Library& library : libraries_of(process.pid)) {
    auto sites = sites_of(library.path);
    if (sites == nullptr) continue;
    outcome.left += static_cast<unsigned>(sites->refused.size());
    for (const SyscallSite& site : sites->sites) {
      uint64_t at = shim.thunks + thunks.size();
      bool recorded = site.nr < plans_.size() && plans_[site.nr].action != WC_PLAN_TRACER;
      Thunk thunk(site, library.bias, at, shim);
      if (!recorded || !thunk.fits() || at + kThunkSize > shim.thunks_end) {
        outcome.left++;
        continue;
      }
      thunks.insert(thunks.end(), thunk.bytes(), thunk.bytes() + kThunkSize);
      jumps.push_back({&site, library.bias});
    }
    used.push_back(std::move(sites));
  }
  if (jumps.empty()) {
    outcome.problem = "no syscall site was found in its libraries";
    return outcome;
  }
  // First where the jumps lead, then the jumps.
  if (!process.memory.write({shim.thunks}, thunks.data(), thunks.size())) {
    outcome.problem = "its text cannot be written";
    return outcome;
  }
  for (size_t i = 0; i < jumps.size(); i++) {
    uint64_t at = jumps[i].site->start + jumps[i].bias;
    uint8_t jump[kJumpSize] = {0xe9};
    put_distance(jump + 1, at + kJumpSize, shim.thunks + i * kThunkSize);
    (writer.replace(at, jumps[i].site->original, jump) ? outcome.patched : outcome.left)++;
  }
  return outcome;
}

}  // namespace wc
