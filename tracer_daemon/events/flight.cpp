#include "events/flight.h"

#include <algorithm>

namespace wc {
void Flight::keep(int32_t pid, int32_t tid, Entry entry) {
  Thread& thread = processes_[pid].threads[tid];
  entry.number = next_++;
  if (entry.is_event) thread.events++;
  thread.entries.push_back(std::move(entry));
  // Now and then only: the place where entries may begin has to be looked for.
  if (thread.events > most_ + most_ / 8 + 16) trim(thread);
}

void Flight::define(int32_t pid, std::string bytes) {
  processes_[pid].definitions.push_back({next_++, std::move(bytes), false, false});
}

// Down to `most_` events, and on to the next outermost call, if there is one in the next half.
void Flight::trim(Thread& thread) const {
  uint64_t left = thread.events;
  size_t begin = 0, fallback = 0;
  for (; begin < thread.entries.size(); begin++) {
    const Entry& entry = thread.entries[begin];
    if (left <= most_ && fallback == 0) fallback = begin;
    if (left <= most_ && entry.is_outermost) break;
    if (left <= most_ / 2) break;
    if (entry.is_event) left--;
  }
  if (begin == thread.entries.size() || !thread.entries[begin].is_outermost) begin = fallback;
  for (size_t i = 0; i < begin; i++) {
    if (thread.entries.front().is_event) thread.events--;
    thread.entries.pop_front();
  }
}

void Flight::ended(int32_t pid) {
  const auto found = processes_.find(pid);
  if (found == processes_.end()) return;
  ended_.push_back(std::move(found->second));
  processes_.erase(found);
  if (ended_.size() > kMostEnded) ended_.pop_front();
}

void Flight::write(raw::Writer& writer, uint64_t now) const {
  std::vector<const Entry*> all;
  const auto add = [&](const Process& process) {
    for (const Entry& entry : process.definitions) all.push_back(&entry);
    for (const auto& [tid, thread] : process.threads)
      for (const Entry& entry : thread.entries) all.push_back(&entry);
  };
  for (const Process& process : ended_) add(process);
  for (const auto& [pid, process] : processes_) add(process);
  std::ranges::sort(all, {}, &Entry::number);
  std::string chunk;
  uint32_t entries = 0;
  const auto hand_out = [&] {
    wc_raw piece{};
    piece.kind = static_cast<uint32_t>(raw::Kind::Kept);
    piece.data = chunk.data();
    piece.size = chunk.size();
    piece.entries = entries;
    piece.ts = now;
    if (!chunk.empty()) writer.take(piece);
    chunk.clear();
    entries = 0;
  };
  for (const Entry* entry : all) {
    if (chunk.size() + entry->bytes.size() > kFullChunk) hand_out();
    chunk += entry->bytes;
    entries++;
  }
  hand_out();
}

}  // namespace wc
