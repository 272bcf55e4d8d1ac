#include "perfetto_trace.h"

#include <protozero/pbf_writer.hpp>

namespace wc::backends {

namespace {

using protozero::pbf_writer;

namespace trace {
constexpr uint32_t kPacket = 1;
}
namespace packet_field {
constexpr uint32_t kClockSnapshot = 6, kTimestamp = 8, kSequence = 10, kTrackEvent = 11,
                   kInterned = 12, kSequenceFlags = 13, kClock = 58, kTrackDescriptor = 60;
}
namespace snapshot {
constexpr uint32_t kClock = 1, kPrimary = 2, kClockId = 1, kClockTime = 2;
}
namespace descriptor {
constexpr uint32_t kUuid = 1, kName = 2, kProcess = 3, kThread = 4, kParent = 5;
constexpr uint32_t kPid = 1, kProcessName = 6, kTid = 2, kThreadName = 5;
}  // namespace descriptor
namespace track_event {
constexpr uint32_t kCategory = 3, kNote = 4, kType = 9, kName = 10, kTrack = 11;
}
namespace note {
constexpr uint32_t kName = 1, kString = 6;
}
namespace interned {
constexpr uint32_t kCategories = 1, kEventNames = 2, kNoteNames = 3, kId = 1, kText = 2;
}

constexpr uint32_t kRealtime = 1, kMonotonic = 3;
constexpr uint32_t kOurSequence = 1;
constexpr uint32_t kStateCleared = 1, kNeedsState = 2;

void add_interned(std::string& out, uint32_t field, uint64_t id, std::string_view text) {
  pbf_writer data(out);
  pbf_writer entry(data, field);
  entry.add_uint64(interned::kId, id);
  entry.add_string(interned::kText, text.data(), text.size());
}

}  // namespace

std::pair<uint64_t, bool> PerfettoTrace::Names::find_or_add(std::string_view name) {
  const auto [found, is_new] = ids.try_emplace(std::string(name), ids.size() + 1);
  return {found->second, is_new};
}

void PerfettoTrace::packet(std::string_view packet) {
  pbf_writer(*out_).add_message(trace::kPacket, packet.data(), packet.size());
}

void PerfettoTrace::clocks(uint64_t monotonic, uint64_t realtime) {
  packet_.clear();
  pbf_writer packet_writer(packet_);
  {
    pbf_writer clocks(packet_writer, packet_field::kClockSnapshot);
    for (const auto& [id, time] : {std::pair(kRealtime, realtime), {kMonotonic, monotonic}}) {
      pbf_writer clock(clocks, snapshot::kClock);
      clock.add_uint32(snapshot::kClockId, id);
      clock.add_uint64(snapshot::kClockTime, time);
    }
    clocks.add_enum(snapshot::kPrimary, kMonotonic);
  }
  packet_writer.add_uint32(packet_field::kSequence, kOurSequence);
  packet_writer.add_uint32(packet_field::kSequenceFlags, kStateCleared);
  packet(packet_);
}

void PerfettoTrace::process_track(uint64_t track, int32_t pid, std::string_view name) {
  packet_.clear();
  pbf_writer packet_writer(packet_);
  packet_writer.add_uint32(packet_field::kSequence, kOurSequence);
  {
    pbf_writer of(packet_writer, packet_field::kTrackDescriptor);
    of.add_uint64(descriptor::kUuid, track);
    pbf_writer process(of, descriptor::kProcess);
    process.add_int32(descriptor::kPid, pid);
    process.add_string(descriptor::kProcessName, name.data(), name.size());
  }
  packet(packet_);
}

void PerfettoTrace::thread_track(uint64_t track, uint64_t process, int32_t pid, int32_t tid,
                                 std::string_view name) {
  packet_.clear();
  pbf_writer packet_writer(packet_);
  packet_writer.add_uint32(packet_field::kSequence, kOurSequence);
  {
    pbf_writer of(packet_writer, packet_field::kTrackDescriptor);
    of.add_uint64(descriptor::kUuid, track);
    of.add_uint64(descriptor::kParent, process);
    pbf_writer thread(of, descriptor::kThread);
    thread.add_int32(descriptor::kPid, pid);
    thread.add_int32(descriptor::kTid, tid);
    thread.add_string(descriptor::kThreadName, name.data(), name.size());
  }
  packet(packet_);
}

void PerfettoTrace::event(PerfettoEvent type, uint64_t track, uint64_t ts, std::string_view name,
                          std::string_view category, std::span<const PerfettoNote> notes) {
  packet_.clear(), event_.clear(), interned_.clear();
  pbf_writer event(event_);
  const auto add_id = [&](Names& names, uint32_t field, std::string_view text) {
    const auto [id, is_new] = names.find_or_add(text);
    if (is_new) add_interned(interned_, field, id, text);
    return id;
  };
  if (!category.empty())
    event.add_uint64(track_event::kCategory, add_id(categories_, interned::kCategories, category));
  for (const PerfettoNote& one : notes) {
    if (one.text.empty()) continue;
    pbf_writer writer(event, track_event::kNote);
    writer.add_uint64(note::kName, add_id(notes_, interned::kNoteNames, one.name));
    writer.add_string(note::kString, one.text.data(), one.text.size());
  }
  event.add_enum(track_event::kType, static_cast<int32_t>(type));
  if (!name.empty())
    event.add_uint64(track_event::kName, add_id(events_, interned::kEventNames, name));
  event.add_uint64(track_event::kTrack, track);

  pbf_writer writer(packet_);
  writer.add_uint64(packet_field::kTimestamp, ts);
  writer.add_uint32(packet_field::kSequence, kOurSequence);
  writer.add_message(packet_field::kTrackEvent, event_);
  if (!interned_.empty()) writer.add_message(packet_field::kInterned, interned_);
  writer.add_uint32(packet_field::kSequenceFlags, kNeedsState);
  writer.add_uint32(packet_field::kClock, kMonotonic);
  packet(packet_);
}

}  // namespace wc::backends
