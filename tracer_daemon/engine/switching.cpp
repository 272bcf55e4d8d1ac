#include "engine/switching.h"

#include <sys/uio.h>

#include <algorithm>
#include <climits>
#include <map>
#include <utility>
#include <vector>

#include "protocol/stub.h"

namespace wc {
namespace {

// One byte each: a thread may be reading them.
bool write_bytes(Process& process, uint64_t table, std::span<const uint32_t> rows,
                 std::span<const uint8_t> modes) {
  constexpr size_t kMost = IOV_MAX;
  auto place = [&](uint32_t row) {
    return table + uint64_t{row} * sizeof(wc_function) + offsetof(wc_function, is_off);
  };
  std::vector<uint8_t> values;
  std::vector<iovec> places;
  for (size_t begin = 0; begin < rows.size(); begin += kMost) {
    auto part = rows.subspan(begin, std::min(kMost, rows.size() - begin));
    values.clear();
    places.clear();
    for (uint32_t row : part) {
      values.push_back(modes[row]);
      places.push_back({reinterpret_cast<void*>(place(row)), 1});
    }
    const iovec from{values.data(), values.size()};
    if (process_vm_writev(process.pid, &from, 1, places.data(), places.size(), 0) ==
        static_cast<ssize_t>(values.size()))
      continue;
    // Where that is forbidden, /proc/PID/mem may not be.
    for (uint32_t row : part)
      if (!process.memory.write({place(row)}, &modes[row], 1)) return false;
  }
  return true;
}

// `after`, but off where it or `before` samples.
std::shared_ptr<const FunctionModes> without_samples(const FunctionModes* before,
                                                     const FunctionModes& after) {
  auto modes = std::make_shared<FunctionModes>(after);
  for (uint32_t i = 0; i < modes->rows.size(); i++) {
    const bool was_sampled =
        before != nullptr && i < before->rows.size() && before->rows[i] >= WC_SAMPLED;
    if (was_sampled || modes->rows[i] >= WC_SAMPLED) modes->rows[i] = WC_OFF;
  }
  return modes;
}

}  // namespace

void Switching::write(Process& process, const FunctionModes& modes,
                      const FunctionModes* before) const {
  std::vector<uint32_t> changed;
  for (uint32_t i = 0; i < modes.rows.size(); i++)
    if (before == nullptr || before->rows[i] != modes.rows[i]) changed.push_back(i);
  if (!write_bytes(process, process.function_rows, changed, modes.rows) && process.threads != 0)
    run_.say(1, "process " + std::to_string(process.pid) +
                    ": its memory cannot be written; functions that are off cost what they did");
  // A forked child that has not said hello yet has no shared memory: begin() is still to come.
  if (process.share != nullptr) process.modes_generation = functions_.generation();
}

void Switching::begin(Process& process) {
  const bool is_wanted = (run_.options.config & WC_CONFIG_SAMPLES) != 0;
  if (!is_wanted || process.table == nullptr || process.share == nullptr) return;
  if (process.modes_generation == functions_.generation()) return;  // a further thread
  process.function_rows = process.share->header().functions;
  functions_.samples().write(process.share->header());
  process.modes = functions_.modes(*process.table);
  write(process, *process.modes, nullptr);
}

// Where all are off, the child never says hello.
void Switching::inherit(Process& child, const Process& parent) {
  child.function_rows = parent.function_rows;
  constexpr uint64_t kFirst = 1;  // nothing has changed since its parent was given its rows
  if (child.function_rows == 0 || child.table == nullptr) return;
  child.modes = functions_.modes(*child.table);
  if (functions_.generation() != kFirst) write(child, *child.modes, nullptr);
}

void Switching::change_to(const ModesOf& modes_of) {
  for (const auto& [pid, process] : tracees_.processes)
    if (process->function_rows != 0 && process->table != nullptr)
      write(*process, *modes_of(*process),
            process->modes_generation != 0 ? process->modes.get() : nullptr);
  records_.drain_running(tracees_);
  for (const auto& [pid, process] : tracees_.processes)
    if (process->table != nullptr) process->modes = modes_of(*process);
}

void Switching::apply() {
  change_to([this](const Process& process) { return functions_.modes(*process.table); });
}

// A record does not say by which list its call was chosen. So what is or was sampled is off for a
// moment: what is called meanwhile is not chosen.
void Switching::sample(SampleList samples) {
  functions_.set_samples(std::move(samples));
  using Key = std::pair<const FunctionTable*, const FunctionModes*>;  // the modes before
  std::map<Key, std::shared_ptr<const FunctionModes>> between;
  change_to([&](const Process& process) {
    const FunctionModes* before = process.modes.get();
    auto& modes = between[{process.table.get(), before}];
    if (modes == nullptr) modes = without_samples(before, *functions_.modes(*process.table));
    return modes;
  });
  for (const auto& [pid, process] : tracees_.processes)
    if (process->share != nullptr) functions_.samples().write(process->share->header());
  apply();
}

}  // namespace wc
