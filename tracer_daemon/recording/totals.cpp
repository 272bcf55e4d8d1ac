#include "recording/totals.h"

namespace wc {

namespace {

void visit_functions(const FunctionTable& table, const std::vector<wc_counter>& counts,
                     const Totals::Visit& visit) {
  for (size_t i = 0; i < table.functions.size() && i < counts.size(); i++)
    if (counts[i].calls != 0) visit(table.functions[i], counts[i]);
}

}  // namespace

void Totals::report(Process& process, Which which) const {
  ProcessShare* share = process.share.get();
  const uint32_t lost = share != nullptr ? share->header().exhausted : 0;
  if (lost != 0 && process.table != nullptr && which == Which::Final)
    run_.pipeline.lost(process.pid, lost);
  each(process, [&](const FunctionInfo& function, const wc_counter& counter) {
    run_.pipeline.totals(process.pid, function, counter, static_cast<uint32_t>(which));
  });
}

void Totals::each(Process& process, const Visit& visit) const {
  if (!(run_.options.config & WC_CONFIG_COUNTS)) return;
  if (process.break_table != nullptr)
    visit_functions(*process.break_table, process.break_counts, visit);
  if (process.share == nullptr || process.table == nullptr) return;
  bool is_span = run_.options.main_only;  // main may never have been entered, or not been left
  if (is_span && process.main.state == MainSpan::State::Before) return;
  const auto now = is_span ? of_main(process) : of_wrapped(process);
  visit_functions(*process.table, now, visit);
  visit_own_scopes(process, now, visit);
}

void Totals::learn_own_scopes(Thread& thread) const {
  const ProcessShare* share = thread.process->share.get();
  if (share == nullptr || thread.process->table == nullptr) return;
  const auto& names = thread.process->share->header().own_scopes;
  for (uint32_t row = 0; row < WC_OWN_SCOPES; row++)
    if (names[row] != 0) run_.pipeline.own_scope(thread.source(), row, names[row]);
}

// They stand behind those of the wrapped functions.
void Totals::visit_own_scopes(Process& process, const std::vector<wc_counter>& counts,
                              const Visit& visit) const {
  const auto& names = process.share->header().own_scopes;
  EventSource source{.pid = process.pid,
                     .memory = &process.memory,
                     .table = process.table.get(),
                     .own_scopes = &process.own_scopes,
                     .shared = &process.share->header()};
  const size_t first = process.table->functions.size();
  for (size_t i = first; i < counts.size(); i++) {
    auto row = static_cast<uint32_t>(i - first);
    if (counts[i].calls != 0) visit(run_.pipeline.own_scope(source, row, names[row]), counts[i]);
  }
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
