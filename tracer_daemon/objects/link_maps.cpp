#include "objects/link_maps.h"

#include <link.h>
#include <sys/uio.h>

#include <algorithm>
#include <climits>
#include <optional>
#include <span>
#include <unordered_set>
#include <utility>

namespace wc {
namespace {

// A list that is longer is no list: a program needs four mappings for each, and the kernel allows
// 65,530.
constexpr size_t kMaxObjects = 16'384;

LinkMap link_map_of(uint64_t at, const link_map& map) {
  return {at, map.l_addr, reinterpret_cast<uint64_t>(map.l_name),
          reinterpret_cast<uint64_t>(map.l_ld), reinterpret_cast<uint64_t>(map.l_next)};
}

std::optional<LinkMap> read_link_map(TraceeMemory& memory, uint64_t at) {
  link_map map{};
  if (!memory.read_all({at}, &map, sizeof map)) return std::nullopt;
  return link_map_of(at, map);
}

// As many as one call reads. Where the kernel refuses it, each is read by itself.
size_t read_some(pid_t pid, TraceeMemory& memory, std::span<const LinkMap> places, link_map* to) {
  std::vector<iovec> there;
  for (const LinkMap& one : places.first(std::min<size_t>(places.size(), IOV_MAX)))
    there.push_back({reinterpret_cast<void*>(one.at), sizeof(link_map)});
  const iovec here{to, there.size() * sizeof(link_map)};
  const ssize_t size = process_vm_readv(pid, &here, 1, there.data(), there.size(), 0);
  if (size >= static_cast<ssize_t>(sizeof(link_map)))
    return static_cast<size_t>(size) / sizeof(link_map);
  return memory.read_all({places.front().at}, to, sizeof *to) ? 1 : 0;
}

// What stands now where the known entries stood, up to the first that cannot be read.
std::vector<LinkMap> read_again(pid_t pid, TraceeMemory& memory, std::span<const LinkMap> known) {
  std::vector<link_map> maps(known.size());
  std::vector<LinkMap> now;
  while (now.size() < known.size()) {
    const size_t done = now.size();
    const size_t more = read_some(pid, memory, known.subspan(done), maps.data() + done);
    if (more == 0) break;
    for (size_t i = done; i < done + more; i++) now.push_back(link_map_of(known[i].at, maps[i]));
  }
  return now;
}

}  // namespace

LinkMapChanges LinkMaps::look(pid_t pid, TraceeMemory& memory, uint64_t head, ListChange change) {
  if (change == ListChange::OnlyLoaded && has_kept_its_end(memory, head)) {
    LinkMapChanges changes;
    follow(memory, known_.back().next, changes);
    return changes;
  }
  return compare_all(pid, memory, head);
}

bool LinkMaps::has_kept_its_end(TraceeMemory& memory, uint64_t head) {
  if (known_.empty() || known_.front().at != head) return false;
  auto last = read_link_map(memory, known_.back().at);
  if (!last || !last->is_same_object(known_.back())) return false;
  known_.back() = *last;
  return true;
}

// What has been appended. A list that bites its tail ends there.
void LinkMaps::follow(TraceeMemory& memory, uint64_t at, LinkMapChanges& changes) {
  std::unordered_set<uint64_t> seen;
  while (at != 0 && known_.size() < kMaxObjects && seen.insert(at).second) {
    auto next = read_link_map(memory, at);
    if (!next) return;
    known_.push_back(*next);
    changes.fresh.push_back(*next);
    at = next->next;
  }
}

// Those that were known come in the order in which they were; what is passed over is gone.
LinkMapChanges LinkMaps::compare_all(pid_t pid, TraceeMemory& memory, uint64_t head) {
  const std::vector<LinkMap> before = std::exchange(known_, {});
  const std::vector<LinkMap> now = read_again(pid, memory, before);
  known_.reserve(before.size());
  LinkMapChanges changes;
  uint64_t at = head;
  for (size_t i = 0; i < before.size(); i++) {
    const bool is_here = i < now.size() && at == before[i].at;
    if (!is_here || !now[i].is_same_object(before[i])) changes.gone.push_back(before[i]);
    if (!is_here) continue;
    known_.push_back(now[i]);
    if (!now[i].is_same_object(before[i])) changes.fresh.push_back(now[i]);
    at = now[i].next;
  }
  follow(memory, at, changes);
  return changes;
}

}  // namespace wc
