#include "run_model.h"

#include <algorithm>
#include <utility>

#include "escape.h"
#include "names/function_name.h"

namespace wc::backends {

namespace {

// A program can make up names, threads and chains of calls; what comes after these is put together.
constexpr size_t kMostNames = 65'536;
constexpr size_t kMostTracks = 16'384;
constexpr uint32_t kOther = 1;  // the name of what is put together

}  // namespace

RunModel::RunModel(size_t most_spans, size_t most_nodes)
    : most_spans_(most_spans), most_nodes_(most_nodes) {
  names_ = {{NameKind::Program, "all"}, {NameKind::Function, "(more)"}};
  tree_.push_back({kRoot, 0});
}

uint32_t RunModel::name(NameKind kind, std::string_view text) {
  std::string key(1, static_cast<char>('0' + static_cast<int>(kind)));
  key += text;
  const auto found = name_ids_.find(key);
  if (found != name_ids_.end()) return found->second;
  if (names_.size() >= kMostNames) return kOther;
  const auto id = static_cast<uint32_t>(names_.size());
  names_.push_back({kind, std::string(text)});
  name_ids_.emplace(std::move(key), id);
  return id;
}

uint32_t RunModel::child(uint32_t parent, uint32_t name) {
  const auto found = children_.find(uint64_t{parent} << 32 | name);
  if (found != children_.end()) return found->second;
  // Further ones share a node, that of the whole.
  if (tree_.size() >= most_nodes_ && name != kOther) return child(kRoot, kOther);
  const auto id = static_cast<uint32_t>(tree_.size());
  tree_.push_back({parent, name});
  children_.emplace(uint64_t{parent} << 32 | name, id);
  return id;
}

RunModel::Track& RunModel::track(int32_t pid, int32_t tid, uint64_t ts) {
  const auto found = track_of_.find(tid);
  if (found != track_of_.end() && tracks_[found->second].pid == pid) return tracks_[found->second];
  const auto program = programs_.find(pid);
  if (tracks_.size() < kMostTracks)
    tracks_.push_back(
        {pid, tid, program != programs_.end() ? program->second : kOther, ts, ts, {}});
  const auto id = static_cast<uint32_t>(tracks_.size() - 1);
  track_of_[tid] = id;
  return tracks_[id];
}

void RunModel::see(uint64_t from, uint64_t to) {
  if (start_ == 0 || from < start_) start_ = from;
  end_ = std::max(end_, to);
}

uint32_t RunModel::base_of(const Track& track) { return child(kRoot, track.program); }

uint32_t RunModel::add_span(const Track& track, uint64_t start, uint64_t end, uint32_t name) {
  if (spans_.size() >= most_spans_) {
    ++dropped_;
    return kNone;
  }
  spans_.push_back({start, end, name, static_cast<uint32_t>(&track - tracks_.data()),
                    static_cast<uint32_t>(track.open.size())});
  return static_cast<uint32_t>(spans_.size() - 1);
}

void RunModel::end_call(Track& track, const OpenCall& call, uint64_t at) {
  const uint64_t end = std::max(at, call.ts);
  if (call.span != kNone) spans_[call.span].end = end;
  ++tree_[call.node].count;
  tree_[call.node].ns += end - call.ts;
  track.end = std::max(track.end, end);
  see(call.ts, end);
}

void RunModel::end_down_to(Track& track, size_t depth, uint64_t at) {
  while (track.open.size() > depth) {
    end_call(track, track.open.back(), at);
    track.open.pop_back();
  }
}

void RunModel::call(const wc_call& event) {
  Track& on = track(event.pid, event.tid, event.ts);
  end_down_to(on, event.depth, event.ts);  // whose returns were lost
  uint32_t above = on.open.empty() ? base_of(on) : on.open.back().node;
  if (on.open.empty() && event.caller.symbol != nullptr)
    above = child(above, name(NameKind::Caller, plain_name(event.caller.symbol)));
  const uint32_t function = name(NameKind::Function, view(event.function));
  const uint32_t node = child(above, function);
  const uint32_t span = add_span(on, event.ts, event.ts, function);
  on.open.push_back({event.id, event.ts, node, span});
  see(event.ts, event.ts);
}

uint32_t RunModel::syscall(const wc_syscall& event) {
  Track& on = track(event.pid, event.tid, event.ts);
  const uint32_t what = name(NameKind::Syscall, view(event.name));
  const uint64_t end = event.ts + event.dur;
  const bool is_outside = event.call == 0 || on.open.empty();
  const uint32_t node = child(is_outside ? base_of(on) : on.open.back().node, what);
  ++tree_[node].count;
  tree_[node].errors += event.error != 0 ? 1 : 0;
  tree_[node].ns += event.dur;
  const uint32_t span = add_span(on, event.ts, end, what);
  if (span != kNone) spans_[span].is_error = event.error != 0;
  on.end = std::max(on.end, end);
  see(event.ts, end);
  return node;
}

void RunModel::ret(const wc_return& event) {
  const auto found = track_of_.find(event.tid);
  if (found == track_of_.end()) return;
  Track& on = tracks_[found->second];
  const auto call = std::find_if(on.open.rbegin(), on.open.rend(),
                                 [&](const OpenCall& one) { return one.id == event.call; });
  if (call == on.open.rend()) return;
  const uint64_t at = event.dur != 0 ? call->ts + event.dur : event.ts;
  end_down_to(on, static_cast<size_t>(on.open.rend() - call) - 1, at);
}

void RunModel::end_track(int32_t tid, uint64_t at) {
  const auto found = track_of_.find(tid);
  if (found == track_of_.end()) return;
  end_down_to(tracks_[found->second], 0, at);
  track_of_.erase(found);
}

void RunModel::process(const wc_process& event) {
  switch (event.event) {
    case WC_PROCESS_START:
    case WC_PROCESS_EXEC:
      // What was open in the old program never returns; the new one has a track of its own.
      if (programs_.contains(event.pid)) end_track(event.tid, event.ts);
      programs_[event.pid] = name(NameKind::Program, basename_of(view(event.path)));
      break;
    case WC_PROCESS_FORK:
      if (const auto known = programs_.find(event.pid);
          event.thread == 0 && known != programs_.end())
        programs_[event.child] = known->second;
      break;
    case WC_PROCESS_EXIT: {
      end_track(event.tid, event.ts);
      if (event.thread != 0) break;
      std::vector<int32_t> others;
      for (const auto& [tid, id] : track_of_)
        if (tracks_[id].pid == event.pid) others.push_back(tid);
      for (const int32_t tid : others) end_track(tid, event.ts);
      programs_.erase(event.pid);
      break;
    }
    default:
      break;
  }
}

void RunModel::close() {
  for (Track& one : tracks_) end_down_to(one, 0, std::max(one.end, end_));
}

std::vector<Span> RunModel::take_spans() {
  std::vector<Span> sorted = std::move(spans_);
  std::sort(sorted.begin(), sorted.end(), [](const Span& a, const Span& b) {
    if (a.track != b.track) return a.track < b.track;
    return a.start != b.start ? a.start < b.start : a.depth < b.depth;
  });
  return sorted;
}

}  // namespace wc::backends
