#include "recording/totals.h"

namespace wc {

void Totals::report(Process& process, Which which) const {
  ProcessShare* share = process.share.get();
  bool counts = run_.options.config & WC_CONFIG_COUNTS;
  if (counts && process.break_table != nullptr)
    report_functions(process.pid, *process.break_table, process.break_counts, which);
  if (share == nullptr || process.table == nullptr) return;
  if (uint32_t lost = share->header().exhausted; lost != 0 && which == Which::Final)
    run_.pipeline.lost(process.pid, lost);
  if (!counts) return;
  bool is_span = run_.options.main_only;  // main may never have been entered, or not been left
  if (is_span && process.main.state == MainSpan::State::Before) return;
  const auto now = is_span ? of_main(process) : of_wrapped(process);
  report_functions(process.pid, *process.table, now, which);
  report_own_scopes(process, now, which);
}

void Totals::learn_own_scopes(Thread& thread) const {
  const ProcessShare* share = thread.process->share.get();
  if (share == nullptr || thread.process->table == nullptr) return;
  const auto& names = thread.process->share->header().own_scopes;
  for (uint32_t row = 0; row < WC_OWN_SCOPES; row++)
    if (names[row] != 0) run_.pipeline.own_scope(thread.source(), row, names[row]);
}

// They stand behind those of the wrapped functions.
void Totals::report_own_scopes(Process& process, const std::vector<wc_counter>& counts,
                               Which which) const {
  const auto& names = process.share->header().own_scopes;
  EventSource source{.pid = process.pid,
                     .memory = &process.memory,
                     .table = process.table.get(),
                     .own_scopes = &process.own_scopes,
                     .shared = &process.share->header()};
  const size_t first = process.table->functions.size();
  for (size_t i = first; i < counts.size(); i++) {
    auto row = static_cast<uint32_t>(i - first);
    if (counts[i].calls != 0)
      run_.pipeline.totals(process.pid, run_.pipeline.own_scope(source, row, names[row]), counts[i],
                           static_cast<uint32_t>(which));
  }
}

void Totals::report_functions(pid_t pid, const FunctionTable& table,
                              const std::vector<wc_counter>& counts, Which which) const {
  for (size_t i = 0; i < table.functions.size() && i < counts.size(); i++)
    if (counts[i].calls != 0)
      run_.pipeline.totals(pid, table.functions[i], counts[i], static_cast<uint32_t>(which));
}

std::vector<wc_counter> Totals::of_main(Process& process) const {
  const MainSpan& span = process.main;
  if (span.state != MainSpan::State::In) return span.counts;
  auto now = of_wrapped(process);
  for (size_t i = 0; i < now.size() && i < span.counts.size(); i++) {
    now[i].calls -= span.counts[i].calls;
    now[i].ticks -= span.counts[i].ticks;
  }
  return now;
}

std::vector<wc_counter> Totals::of_wrapped(Process& process) const {
  std::vector<wc_counter> counts;
  ProcessShare* share = process.share.get();
  if (share == nullptr || process.table == nullptr || !(run_.options.config & WC_CONFIG_COUNTS))
    return counts;
  auto rows = static_cast<uint32_t>(process.table->functions.size()) + WC_OWN_SCOPES;
  for (uint32_t i = 0; i < rows; i++) counts.push_back(share->total(i));
  return counts;
}

}  // namespace wc
