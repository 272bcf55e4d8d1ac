#include "events/tape.h"

#include <algorithm>

#include "events/taping.h"
#include "events/tick_clock.h"
#include "symbols/build_id.h"
#include "symbols/mapped_file.h"

namespace wc {
namespace {

constexpr size_t kMostOfEntry = size_t{700} << 10;  // a chunk has 1 MiB at most
constexpr size_t kMostMappings = 4000;
constexpr uint64_t kOldChunk = 1'000'000'000;
constexpr char kOtherThread = '\x80';

uint8_t rights_of(const proc::Mapping& mapping) {
  const proc::Rights& rights = mapping.rights;
  return static_cast<uint8_t>(rights.read | rights.write << 1 | rights.execute << 2 |
                              rights.shared << 3);
}

TapedFunction taped(uint32_t number, const FunctionInfo& info) {
  TapedFunction row{number, info.symbol, info.name, info.library, {}, info.thin, 0};
  row.kind = static_cast<uint8_t>(info.kind);
  if (info.spec != nullptr) row.row = info.spec->name;
  return row;
}

}  // namespace

Tape::Tape(Sink sink) : sink_(std::move(sink)) { proc::watch_links(this); }
Tape::Tape(std::unique_ptr<Flight> flight) : flight_(std::move(flight)) { proc::watch_links(this); }
Tape::~Tape() { proc::watch_links(nullptr); }

void Tape::begin(TapeOp op, int32_t pid, int32_t tid, bool is_outermost) {
  if (chunk_.size() >= kFullChunk) hand_out();
  if (flight_ != nullptr) context_.restart();
  is_outermost_ = is_outermost;
  is_open_ = true;
  op_ = op;
  pid_ = pid;
  tid_ = tid;
}

void Tape::end() {
  is_open_ = false;
  if (chunk_.empty()) first_time_ = TickClock::now();
  char head = static_cast<char>(op_);
  TapeWriter writer(chunk_, context_);
  const bool is_other = pid_ != context_.pid || tid_ != context_.tid;
  if (is_other) head = static_cast<char>(head | kOtherThread);
  chunk_ += head;
  if (is_other) {
    writer.number(pid_);
    writer.number(tid_);
    context_.pid = pid_;
    context_.tid = tid_;
  }
  writer.text_view(entry_);
  entry_.clear();
  entries_++;
  if (flight_ != nullptr) keep_entry();
}

void Tape::keep_entry() {
  const bool is_told = op_ == TapeOp::Record || op_ == TapeOp::Exit || op_ == TapeOp::Ended ||
                       op_ == TapeOp::Process || op_ == TapeOp::Object || op_ == TapeOp::Lost;
  // Without it, what was known would be known of the next program, too.
  if (op_ == TapeOp::Forget)
    flight_->define(pid_, std::move(chunk_));
  else if (op_ != TapeOp::Flush && op_ != TapeOp::Snapshot && op_ != TapeOp::Totals)
    flight_->keep(pid_, tid_, {0, std::move(chunk_), is_told, is_outermost_});
  if (op_ == TapeOp::Forget && gone_.erase(pid_) != 0) flight_->ended(pid_);
  chunk_.clear();
  entries_ = 0;
}

void Tape::instant(TapeOp op, uint64_t now) {
  begin(op, context_.pid, context_.tid);
  TapeWriter(entry_, context_).time(now);
  end();
}

template <typename Write>
void Tape::define(int32_t pid, Finding kind, Write write) {
  if (flight_ == nullptr) return find(kind, write);
  TapeContext anew(TapeContext::kFewGroups);
  std::string finding(1, static_cast<char>(kind)), entry;
  TapeWriter writer(finding, anew);
  write(writer);
  entry += static_cast<char>(static_cast<uint8_t>(TapeOp::Note) | kOtherThread);
  TapeWriter head(entry, anew);
  head.number(pid);
  head.number(pid);
  head.text_view(finding);
  flight_->define(pid, std::move(entry));
}

// ---- What numbers mean

void Tape::function(const EventSource& source, uint32_t number) {
  Process& process = processes_[source.pid];
  if (source.table != nullptr && source.table != process.table) {
    process.table = source.table;
    process.known.assign(source.table->functions.size(), false);
    process.own_rows.clear();
    process.modes.clear();
    uint64_t size = source.table->functions.size();
    define(source.pid, Finding::Table, [&](TapeWriter& writer) { writer.number(size); });
  }
  const auto row_of = [&](const FunctionInfo& info) {
    TapedFunction row = taped(number, info);
    define(source.pid, Finding::Function, [&](TapeWriter& writer) { row.fields(writer); });
  };
  if ((number & kBreakFunction) != 0) {
    if (process.breaks.insert(number).second) row_of(source.function(number));
    return;
  }
  if (auto row = source.own_row(number)) {
    if (const FunctionInfo* own = source.own_scopes->find(*row)) own_scope(source.pid, *row, *own);
  } else if (number < process.known.size() && !process.known[number]) {
    process.known[number] = true;
    row_of(source.function(number));
  }
  if (source.modes == nullptr) return;
  uint32_t weight = source.modes->is_off(number) ? 0 : source.modes->weight(number);
  const auto [mode, is_new] = process.modes.try_emplace(number, 1);
  if (std::exchange(mode->second, weight) == weight) return;
  define(source.pid, Finding::Mode, [&](TapeWriter& writer) {
    writer.number(number);
    writer.number(weight);
  });
}

void Tape::own_scope(int32_t pid, uint32_t row, const FunctionInfo& info) {
  std::string& known = processes_[pid].own_rows[row];
  if (known == info.name) return;
  known = info.name;
  define(pid, Finding::OwnScope, [&](TapeWriter& writer) {
    writer.number(pid);
    writer.number(row);
    writer.text_view(info.name);
    writer.text_view(info.library);
  });
}

// ---- Findings

void Tape::stack_at_stop(const EventSource& source) {
  if (source.stack == nullptr) return;
  auto& last = stacks_[source.tid];
  uint64_t is_same = flight_ == nullptr && last == source.stack;
  last = source.stack;
  find(Finding::AtStop, [&](TapeWriter& writer) {
    writer.number(is_same);
    if (is_same == 0) put_frames(writer, *source.stack);
  });
}

void Tape::memory(uint64_t address, std::string_view bytes) {
  if (!keeps_memory_ || entry_.size() + bytes.size() > kMostOfEntry) return;
  const auto& recent = context_.recent();
  for (uint64_t i = 0; i < recent.size(); i++) {
    if (recent[i].address != address || recent[i].bytes != bytes) continue;
    return find(Finding::Again, [&](TapeWriter& writer) { writer.number(i); });
  }
  context_.remember(address, bytes);
  find(Finding::Memory, [&](TapeWriter& writer) {
    writer.address(address);
    writer.text_view(bytes);
  });
}

void Tape::saw_link(const std::string& path, const std::string& target) {
  if (!is_open_) return;  // somebody else's question
  find(Finding::Link, [&](TapeWriter& writer) {
    writer.text_view(path);
    writer.text_view(target);
  });
}

void Tape::saw_generated(int32_t pid, const Generated& code) {
  Generated copy = code;
  define(pid, Finding::Generated, [&](TapeWriter& writer) {
    writer.number(pid);
    writer.address(copy.at);
    writer.address(copy.begin);
    writer.text_view(copy.path);
    writer.text_view(copy.name);
  });
}

// Memory without a name tells nothing of an address, unless it is executed.
void Tape::saw_maps(int32_t pid, const proc::Maps& maps) {
  std::vector<TapedMapping> kept;
  const proc::Mapping* before = nullptr;
  for (const proc::Mapping& one : maps.all()) {
    if ((one.path.empty() && !one.rights.execute) || kept.size() >= kMostMappings) continue;
    TapedMapping& taped = kept.emplace_back();
    taped.begin = one.range.begin;
    taped.size = one.range.end - one.range.begin;
    taped.offset = one.offset;
    taped.rights = rights_of(one);
    const bool is_same = before != nullptr && before->path == one.path &&
                         before->inode == one.inode && one.has_file();
    before = &one;
    if (is_same) {
      taped.rights |= TapedMapping::kSameFile;
      continue;
    }
    taped.inode = one.inode;
    taped.major = one.device_major;
    taped.minor = one.device_minor;
    taped.path = one.path;
    if (!one.has_file()) continue;
    const auto [known, is_new] = build_ids_.try_emplace(one.path + ' ' + std::to_string(one.inode));
    if (is_new)
      if (const MappedFile file = file_of(pid, one); !file.path.empty())
        known->second = build_id_of(file.path);
    taped.build_id = known->second;
  }
  define(pid, Finding::Map, [&](TapeWriter& writer) {
    writer.number(pid);
    writer.list(kept, [&](TapedMapping& one) { one.fields(writer); });
  });
}

// ---- Chunks

void Tape::forget(int32_t pid) { processes_.erase(pid); }

void Tape::flush(uint64_t now) {
  if (!chunk_.empty() && !is_open_ && now > first_time_ + kOldChunk) hand_out();
}

void Tape::hand_out() {
  if (chunk_.empty() || flight_ != nullptr) return;
  wc_raw chunk{};
  chunk.data = chunk_.data();
  chunk.size = chunk_.size();
  chunk.kind = WC_RAW_EVENTS;
  chunk.entries = entries_;
  chunk.ts = first_time_;
  sink_(chunk);
  chunk_.clear();
  entries_ = 0;
  context_.restart();
}

}  // namespace wc
