#include "rings/process_share.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <utility>

namespace wc {

namespace {

// What a process maps at first stays well below 1 MiB: mlockall(2) counts it, as does a limit of
// address space. More slots come in pieces that grow.
constexpr uint64_t kFirstSize = 256 * 1024;

uint32_t first_slots_of(const ShareLayout& layout) {
  uint64_t slot = wc_slot_size(layout.function_count, layout.config);
  return static_cast<uint32_t>(std::clamp<uint64_t>(kFirstSize / slot, 1, WC_SLOTS));
}

}  // namespace

uint64_t ProcessShare::first_size_of(const ShareLayout& layout) {
  return wc_shared_size(wc_slot_size(layout.function_count, layout.config), first_slots_of(layout));
}

Result<std::unique_ptr<ProcessShare>> ProcessShare::create(const ShareLayout& layout,
                                                           const SharedMemory& memory) {
  return map(memory.create(first_size_of(layout)), layout);
}

Result<std::unique_ptr<ProcessShare>> ProcessShare::adopt(ScopedFd fd, const ShareLayout& layout) {
  return map(SharedMemory::adopt(std::move(fd), first_size_of(layout)), layout);
}

Result<std::unique_ptr<ProcessShare>> ProcessShare::adopt_unsealed(ScopedFd file,
                                                                   const ShareLayout& layout) {
  struct stat now {};
  if (fstat(file.get(), &now) != 0 || static_cast<uint64_t>(now.st_size) < first_size_of(layout))
    return Error{"the program has changed the size of the shared memory", 0};
  return map(std::move(file), layout);
}

Result<std::unique_ptr<ProcessShare>> ProcessShare::map(Result<ScopedFd> file,
                                                        const ShareLayout& layout) {
  if (!file) return file.error();
  ScopedFd fd = std::move(*file);
  uint64_t size = first_size_of(layout);
  void* base = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, fd.get(), 0);
  if (base == MAP_FAILED) return Error::from_errno("cannot map shared memory", errno);
  return std::unique_ptr<ProcessShare>(
      new ProcessShare(std::move(fd), static_cast<uint8_t*>(base), size, layout));
}

ProcessShare::ProcessShare(ScopedFd fd, uint8_t* base, uint64_t size, const ShareLayout& layout)
    : fd_(std::move(fd)),
      base_(base),
      size_(size),
      slots_(first_slots_of(layout)),
      slot_size_(wc_slot_size(layout.function_count, layout.config)),
      rings_(wc_ring_records(layout.config)),
      layout_(layout),
      header_(reinterpret_cast<wc_shared_header*>(base)) {
  header_->magic = WC_SHARED_MAGIC;
  header_->slot_size = slot_size_;
  header_->function_count = layout.function_count;
  header_->gate = layout.gate;
  header_->config = layout.config;
  header_->ring_records = wc_ring_records(layout.config);
  std::copy_n(layout.plans.begin(), std::min<size_t>(layout.plans.size(), WC_PLANNED_SYSCALLS),
              header_->plans);
  if (layout.config & WC_CONFIG_COUNTS) freed_.reset(new wc_counter[layout.function_count]());
}

ProcessShare::~ProcessShare() { munmap(base_, size_); }

wc_slot& ProcessShare::slot(uint32_t index) {
  return *reinterpret_cast<wc_slot*>(base_ + WC_HEADER_SIZE +
                                     static_cast<uint64_t>(index) * slot_size_);
}

uint64_t ProcessShare::address_of(uint32_t index) const {
  uint64_t offset = WC_HEADER_SIZE + static_cast<uint64_t>(index) * slot_size_;
  for (const Segment& one : segments_)
    if (offset - one.offset < one.size) return one.address + (offset - one.offset);
  return 0;
}

void ProcessShare::note_first_mapped() {
  if (segments_.empty()) segments_.push_back({0, first_size_of(layout_), header_->address});
}

std::optional<uint32_t> ProcessShare::take_slot() {
  for (uint32_t i = 0; i < slots_; i++) {
    wc_slot& s = slot(i);
    if (taken_[i]) continue;
    taken_[i] = true;
    s.index = i;
    s.bell = s.ack;
    return i;
  }
  return std::nullopt;
}

std::optional<ProcessShare::Growth> ProcessShare::plan_growth() {
  uint32_t more = std::min(slots_, WC_SLOTS - slots_);
  if (more == 0 || segments_.empty()) return std::nullopt;
  uint64_t end = wc_shared_size(slot_size_, slots_ + more);
  if (ftruncate(fd_.get(), static_cast<off_t>(end)) != 0) return std::nullopt;
  void* larger = mremap(base_, size_, end, MREMAP_MAYMOVE);
  if (larger == MAP_FAILED) return std::nullopt;
  base_ = static_cast<uint8_t*>(larger);
  header_ = static_cast<wc_shared_header*>(larger);
  size_ = end;
  const Segment& last = segments_.back();
  return Growth{last.address + last.size - WC_PAGE,
                static_cast<uint64_t>(more) * slot_size_ + WC_PAGE};
}

void ProcessShare::note_grown(const Growth& growth, uint64_t address) {
  const Segment& last = segments_.back();
  uint64_t size = growth.size - WC_PAGE;
  segments_.push_back({last.offset + last.size, size, address + WC_PAGE});
  slots_ += static_cast<uint32_t>(size / slot_size_);
}

const ProcessShare::Segment* ProcessShare::segment_at(uint64_t address) const {
  auto found = std::find_if(segments_.begin(), segments_.end(),
                            [&](const Segment& one) { return one.contains(address); });
  return found == segments_.end() ? nullptr : &*found;
}

std::span<const wc_scope> ProcessShare::scopes(uint32_t index, uint32_t from) {
  const wc_slot& s = slot(index);
  const uint32_t depth = std::min(__atomic_load_n(&s.depth, __ATOMIC_ACQUIRE), WC_MAX_SCOPES);
  uint32_t valid = 0;
  for (uint32_t i = from; i < depth; i++) {
    wc_scope& copy = scope_copy_[valid];
    std::memcpy(&copy, &s.scopes[i], sizeof copy);
    if (!(copy.flags & (WC_SCOPE_OPEN | WC_SCOPE_REPORTED))) continue;
    if (copy.function >= layout_.function_count) break;
    valid++;
  }
  return {scope_copy_.data(), valid};
}

wc_counter ProcessShare::counter(uint32_t slot_index, uint32_t function) const {
  wc_counter copy{};
  if (!(layout_.config & WC_CONFIG_COUNTS) || function >= layout_.function_count) return copy;
  const uint8_t* at = base_ + WC_HEADER_SIZE + static_cast<uint64_t>(slot_index) * slot_size_ +
                      sizeof(wc_slot) + wc_ring_records(layout_.config) * sizeof(wc_record) +
                      function * sizeof(wc_counter);
  std::memcpy(&copy, at, sizeof copy);
  return copy;
}

void ProcessShare::free_slot(uint32_t index) {
  wc_slot& s = slot(index);
  if (freed_ != nullptr) {
    for (uint32_t f = 0; f < layout_.function_count; f++) {
      wc_counter c = counter(index, f);
      freed_[f].calls += c.calls;
      freed_[f].ticks += c.ticks;
    }
  }
  uint32_t ack = s.ack;
  // The pages of a big ring are given back: many threads may come and go.
  off_t at = static_cast<off_t>(reinterpret_cast<uint8_t*>(&s) - base_);
  if (slot_size_ <= WC_PAGE * 8 || fallocate(fd_.get(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                                             at + WC_PAGE, slot_size_ - WC_PAGE) != 0)
    std::memset(reinterpret_cast<uint8_t*>(&s) + WC_PAGE, 0, slot_size_ - WC_PAGE);
  std::memset(static_cast<void*>(&s), 0, WC_PAGE);
  s.ack = ack;
  taken_[index] = false;
  header_->full = 0;
}

wc_counter ProcessShare::total(uint32_t function) {
  wc_counter sum = freed_ != nullptr ? freed_[function] : wc_counter{};
  for (uint32_t i = 0; i < slots_; i++) {
    if (!taken_[i]) continue;
    wc_counter c = counter(i, function);
    sum.calls += c.calls;
    sum.ticks += c.ticks;
  }
  return sum;
}

}  // namespace wc
