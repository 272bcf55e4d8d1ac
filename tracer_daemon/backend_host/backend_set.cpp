#include "backend_host/backend_set.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace wc {

// ---- Life cycle

Result<BackendSet> BackendSet::open(std::span<const std::string> specs, HostOptions options) {
  if (options.run.began == 0) options.run = RunFacts::now();
  BackendSet set(std::move(options));
  // First what can be refused without side effects, so that a mistake in the last spec does not
  // leave the empty file of the first.
  std::vector<Instance> loaded;
  for (const std::string& spec : specs) {
    Result<Instance> backend = set.load(spec);
    if (!backend) return backend.error();
    loaded.push_back(std::move(*backend));
  }
  if (set.options_.separately) {
    set.specs_.assign(specs.begin(), specs.end());
    set.backends_ = std::move(loaded);
    set.count_wants();
    if (Status fits = set.check_folders(); !fits) return fits.error();
    return set;
  }
  if (Status opened = set.open_outputs(); !opened) return opened.error();
  for (Instance& backend : loaded) {
    if (Status status = set.start(*backend); !status) {
      // Nothing was traced: those that did start have nothing to say.
      for (const auto& output : set.outputs_) output->discard();
      return status.error();
    }
    backend->id = set.next_id_++;
    set.backends_.push_back(std::move(backend));
  }
  set.count_wants();
  return set;
}

Status BackendSet::open_outputs() {
  if (options_.output_path.empty()) {
    outputs_.push_back(Output::standard_error());
    return Done{};
  }
  auto file = Output::open_file(file_name(options_, options_.output_path), options_.existing);
  if (!file) return file.error();
  outputs_.push_back(std::move(*file));
  return Done{};
}

BackendSet::~BackendSet() { close(); }

Result<BackendSet::Instance> BackendSet::load(std::string_view spec) const {
  Result<BackendSpec> parsed = parse_backend_spec(spec);
  if (!parsed) return parsed.error();
  return BackendInstance::load(std::move(*parsed), options_);
}

Result<std::shared_ptr<Output>> BackendSet::output_for(const BackendInstance& backend) const {
  const std::string* path = backend.option("output");
  if (path == nullptr && options_.output_path.empty() && hears_events(backend.callbacks()) &&
      !Output::has_standard_error())
    return Error{"standard error, where the trace would go, is closed; -o FILE takes it", EBADF};
  if (path == nullptr) return outputs_.front();
  // Two descriptors of one file would overwrite each other.
  for (const auto& output : outputs_) {
    if (output->is_file(file_name(options_, *path))) return output;
  }
  Result<std::unique_ptr<Output>> file =
      Output::open_file(file_name(options_, *path), options_.existing);
  if (!file) {
    return Error{fmt::format("backend '{}': {}", backend.name(), file.error().message),
                 file.error().code};
  }
  return std::shared_ptr<Output>(std::move(*file));
}

Status BackendSet::start(BackendInstance& backend) {
  Result<std::shared_ptr<Output>> output = output_for(backend);
  if (!output) return output.error();
  if (std::find(outputs_.begin(), outputs_.end(), *output) == outputs_.end()) {
    outputs_.push_back(*output);
  }
  return backend.open(std::move(*output));
}

void BackendSet::count_wants() {
  demand_ = {.generation = demand_.generation + 1};
  for (const Observer& one : options_.observers) demand_.add(*one.callbacks, one.callbacks->wants);
  for (const Instance& backend : backends_) demand_.add(backend->callbacks(), backend->wants());
}

// The others go on. What it has written until then is kept.
void BackendSet::note_crash(BackendInstance& backend) {
  std::string crash = backend.take_crash();
  if (crash.empty()) return;
  errors_.push_back(std::move(crash));
  count_wants();
}

void BackendSet::close(BackendInstance& backend, uint64_t ended) {
  backend.close(ended);
  note_crash(backend);
}

void BackendSet::discard() {
  for (const auto& output : outputs_) output->discard();
}

void BackendSet::close(uint64_t now) {
  while (!parts_.empty()) end_part(parts_.begin()->first);
  const uint64_t ended = now != 0 ? now : RunFacts::now().began;
  for (Instance& backend : backends_) {
    close(*backend, ended);
  }
  for (const auto& output : outputs_) output->close();
  backends_.clear();
  count_wants();
}

// ---- Changes while tracing

std::vector<std::pair<uint32_t, std::string>> BackendSet::list() const {
  std::vector<std::pair<uint32_t, std::string>> all;
  for (const Instance& backend : backends_) all.emplace_back(backend->id, backend->text());
  return all;
}

Result<std::vector<BackendSet::Instance>::iterator> BackendSet::find(uint32_t id) {
  auto found =
      std::ranges::find(backends_, id, [](const Instance& backend) { return backend->id; });
  if (found != backends_.end()) return found;
  std::vector<std::string> active;
  for (const auto& [number, spec] : list()) active.push_back(fmt::format("{} ({})", number, spec));
  return Error{fmt::format("no backend {} is active; active are: {}", id,
                           active.empty() ? "none" : fmt::format("{}", fmt::join(active, ", ")))};
}

namespace {

Status check_planned(const BackendInstance& backend, uint32_t planned) {
  const uint32_t more = backend.wants() & ~planned;
  if (more == 0) return Done{};
  std::vector<std::string_view> what;
  if (more & WC_WANT_STACK) what.emplace_back("stacks (-k at the start)");
  if (more & WC_WANT_ALL_CALLS) what.emplace_back("calls without syscalls (-a at the start)");
  if (more & (WC_WANT_ENTER | WC_WANT_VERDICTS))
    what.emplace_back("syscalls before they happen (-E ptrace at the start)");
  if (more & WC_WANT_PHASES) what.emplace_back("the phases of a program");
  return Error{fmt::format("backend '{}' wants what this run was not prepared for: {}",
                           backend.name(),
                           what.empty() ? "more" : fmt::format("{}", fmt::join(what, ", ")))};
}

}  // namespace

Result<uint32_t> BackendSet::add(std::string_view spec, uint32_t planned) {
  if (options_.separately) return Error{"with -ff, each process has back ends of its own"};
  Result<Instance> backend = load(spec);
  if (!backend) return backend.error();
  if (Status fits = check_planned(**backend, planned); !fits) return fits.error();
  Status status = start(**backend);
  if (status) status = check_planned(**backend, planned);  // it may have asked for more
  if (!status) {
    backend->reset();
    drop_unused_outputs();
    return status.error();
  }
  const uint32_t id = (*backend)->id = next_id_++;
  backends_.push_back(std::move(*backend));
  count_wants();
  return id;
}

void BackendSet::watch(const Observer& observer) {
  std::erase_if(options_.observers,
                [&](const Observer& one) { return one.context == observer.context; });
  if (observer.callbacks != nullptr) options_.observers.push_back(observer);
  count_wants();
}

Status BackendSet::remove(uint32_t id) {
  const auto old = find(id);
  if (!old) return old.error();
  close(***old);
  backends_.erase(*old);
  drop_unused_outputs();
  count_wants();
  return Done{};
}

// The new one is ready before the old one ends: a mistake in `spec` changes nothing.
Status BackendSet::replace(uint32_t id, std::string_view spec, uint32_t planned) {
  const auto old = find(id);
  if (!old) return old.error();
  const auto position = *old - backends_.begin();
  if (auto added = add(spec, planned); !added) return added.error();
  next_id_--;
  backends_.back()->id = id;
  std::swap(backends_[static_cast<size_t>(position)], backends_.back());
  close(*backends_.back());
  backends_.pop_back();
  drop_unused_outputs();
  count_wants();
  return Done{};
}

void BackendSet::drop_unused_outputs() {
  const auto unused = [&](const std::shared_ptr<Output>& output) {
    return output != outputs_.front() &&
           std::none_of(backends_.begin(), backends_.end(), [&](const Instance& backend) {
             return &backend->output() == output.get();
           });
  };
  for (auto output = outputs_.begin(); output != outputs_.end();) {
    if (!unused(*output)) {
      ++output;
      continue;
    }
    (*output)->close();
    if (std::string error = (*output)->take_error(); !error.empty()) {
      errors_.push_back(std::move(error));
    }
    output = outputs_.erase(output);
  }
}

// ---- Events

namespace {

bool is_addressed(const BackendInstance& backend, CallAudience audience) {
  if (audience == CallAudience::kEveryone) return true;
  return backend.wants(WC_WANT_ALL_CALLS) == (audience == CallAudience::kWantsAllCalls);
}

}  // namespace

template <auto callback, typename Event>
void BackendSet::deliver(const char* name, const Event& event, CallAudience audience) {
  // A call that some see earlier than others counts once.
  const bool is_earlier = audience == CallAudience::kWantsAllCalls;
  if (audience == CallAudience::kEveryone || demand_.wants(WC_WANT_ALL_CALLS) == is_earlier)
    counts_.events++;
  for (const Instance& backend : backends_) {
    const auto function = backend->callbacks().*callback;
    if (function == nullptr || !is_addressed(*backend, audience)) continue;
    if (!backend->attempt(name, [&] { function(backend->context(), &event); })) {
      note_crash(*backend);
    }
  }
}

// They are this program's own code, and need no guard.
template <auto callback, typename Event>
static void observe(const HostOptions& host, const Event& event,
                    CallAudience audience = CallAudience::kEveryone) {
  for (const Observer& one : host.observers) {
    const auto function = one.callbacks->*callback;
    const bool sees_all = (one.callbacks->wants & WC_WANT_ALL_CALLS) != 0;
    const bool is_meant = audience == CallAudience::kEveryone ||
                          sees_all == (audience == CallAudience::kWantsAllCalls);
    if (function != nullptr && is_meant) function(one.context, &event);
  }
}

void BackendSet::call(const wc_call& event, CallAudience audience) {
  observe<&wc_backend::call>(options_, event, audience);
  if (options_.separately)
    return to_part(event.pid, [&](BackendSet& part) { part.call(event, audience); });
  deliver<&wc_backend::call>("call", event, audience);
}

void BackendSet::ret(const wc_return& event, CallAudience audience) {
  observe<&wc_backend::ret>(options_, event, audience);
  if (options_.separately)
    return to_part(event.pid, [&](BackendSet& part) { part.ret(event, audience); });
  deliver<&wc_backend::ret>("ret", event, audience);
}

void BackendSet::syscall_exit(const wc_syscall& event) {
  observe<&wc_backend::syscall_exit>(options_, event);
  if (options_.separately)
    return to_part(event.pid, [&](BackendSet& part) { part.syscall_exit(event); });
  deliver<&wc_backend::syscall_exit>("syscall_exit", event, CallAudience::kEveryone);
}

void BackendSet::process(const wc_process& event) {
  observe<&wc_backend::process>(options_, event);
  if (options_.separately) {
    to_part(event.pid, [&](BackendSet& part) { part.process(event); });
    if (event.event == WC_PROCESS_EXIT && event.thread == 0) end_part(event.pid);
    return;
  }
  deliver<&wc_backend::process>("process", event, CallAudience::kEveryone);
}

void BackendSet::phase(const wc_process& event) {
  for (const Instance& backend : backends_) {
    const auto function = backend->callbacks().process;
    if (!backend->wants(WC_WANT_PHASES) || function == nullptr) continue;
    if (!backend->attempt("process", [&] { function(backend->context(), &event); })) {
      note_crash(*backend);
    }
  }
}

void BackendSet::object(const wc_object& event) {
  if (options_.separately) return to_part(event.pid, [&](BackendSet& part) { part.object(event); });
  deliver<&wc_backend::object>("object", event, CallAudience::kEveryone);
}

void BackendSet::lost(const wc_lost& event) {
  counts_.lost += event.count;
  observe<&wc_backend::lost>(options_, event);
  if (options_.separately) return to_part(event.pid, [&](BackendSet& part) { part.lost(event); });
  deliver<&wc_backend::lost>("lost", event, CallAudience::kEveryone);
}

void BackendSet::totals(const wc_totals& event) {
  if ((event.flags & WC_TOTALS_SO_FAR) == 0) observe<&wc_backend::totals>(options_, event);
  if (options_.separately) return to_part(event.pid, [&](BackendSet& part) { part.totals(event); });
  for (const Instance& backend : backends_) {
    const auto function = backend->callbacks().totals;
    const bool is_meant =
        (event.flags & WC_TOTALS_SO_FAR) == 0 || backend->callbacks().snapshot != nullptr;
    if (!backend->wants(WC_WANT_COUNTS) || function == nullptr || !is_meant) continue;
    if (!backend->attempt("totals", [&] { function(backend->context(), &event); }))
      note_crash(*backend);
  }
}

void BackendSet::raw(const wc_raw& piece) {
  for (const Instance& backend : backends_) {
    const auto function = backend->callbacks().raw;
    if (backend->wants(WC_WANT_RAW) && function != nullptr &&
        !backend->attempt("raw", [&] { function(backend->context(), &piece); }))
      note_crash(*backend);
  }
}

namespace {

// Empty: it is one.
std::string why_no_verdict(int kind, const wc_verdict& details) {
  constexpr int64_t kMaxErrno = 4095;
  if (kind < WC_GO_ON || kind > WC_STOP_SCOPE)
    return fmt::format("{}, which is no verdict of enum wc_verdict_kind", kind);
  if (kind == WC_FAIL && (details.value < 1 || details.value > kMaxErrno))
    return fmt::format("WC_FAIL with {}, which is no errno (1 to {})", details.value, kMaxErrno);
  return {};
}

}  // namespace

BackendVerdict BackendSet::syscall_enter(const wc_syscall& event) {
  if (options_.separately) {
    BackendSet* part = part_of(event.pid);
    return part != nullptr ? part->syscall_enter(event) : BackendVerdict{};
  }
  BackendVerdict verdict;
  for (const Instance& backend : backends_) {
    const bool decides = backend->wants(WC_WANT_VERDICTS);
    const auto function = backend->callbacks().syscall_enter;
    if (function == nullptr || !(decides || backend->wants(WC_WANT_ENTER))) continue;
    wc_verdict own = {};
    int kind = WC_GO_ON;
    if (!backend->attempt("syscall_enter",
                          [&] { kind = function(backend->context(), &event, &own); })) {
      note_crash(*backend);
      continue;
    }
    if (!decides || kind == WC_GO_ON) continue;
    if (const std::string why = why_no_verdict(kind, own); !why.empty()) {
      if (!std::exchange(backend->has_misjudged, true))
        errors_.push_back(
            fmt::format("backend '{}': syscall_enter of {} returned {}; the tracer "
                        "ignores such verdicts",
                        backend->name(), event.name, why));
    } else if (verdict.kind == WC_GO_ON) {
      verdict = {static_cast<wc_verdict_kind>(kind), own, backend->id};
    }
  }
  return verdict;
}

// ---- Output

bool BackendSet::has_snapshots() const {
  return std::ranges::any_of(
      backends_, [](const Instance& backend) { return backend->callbacks().snapshot != nullptr; });
}

void BackendSet::snapshot(uint64_t now) {
  for (const Instance& backend : backends_) {
    const auto function = backend->callbacks().snapshot;
    if (function == nullptr) continue;
    if (!backend->attempt("snapshot", [&] { function(backend->context(), now); })) {
      note_crash(*backend);
    }
  }
  for (const auto& output : outputs_) output->flush();
}

void BackendSet::flush(uint64_t now) {
  for (const auto& [pid, part] : parts_)
    if (part != nullptr) part->flush(now);
  if (options_.separately) return;
  for (const Instance& backend : backends_) {
    backend->update_width();
    const auto function = backend->callbacks().flush;
    if (function == nullptr) continue;
    if (!backend->attempt("flush", [&] { function(backend->context(), now); }))
      note_crash(*backend);
  }
  write_out();
}

void BackendSet::write_out() {
  for (const auto& [pid, part] : parts_)
    if (part != nullptr) part->write_out();
  for (const auto& output : outputs_) output->flush();
}

void BackendSet::write_watched() {
  for (const auto& [pid, part] : parts_)
    if (part != nullptr) part->write_watched();
  for (const auto& output : outputs_)
    if (output->is_watched()) output->flush();
}

uint64_t BackendSet::wake_at() {
  uint64_t earliest = 0;
  const auto take = [&](uint64_t at) {
    if (at != 0 && (earliest == 0 || at < earliest)) earliest = at;
  };
  for (const auto& [pid, part] : parts_)
    if (part != nullptr) take(part->wake_at());
  if (options_.separately) return earliest;
  for (const Instance& backend : backends_) {
    const auto function = backend->callbacks().wake_at;
    if (function == nullptr) continue;
    uint64_t at = 0;
    if (!backend->attempt("wake_at", [&] { at = function(backend->context()); }))
      note_crash(*backend);
    else
      take(at);
  }
  return earliest;
}

std::vector<std::string> BackendSet::take_errors() {
  std::vector<std::string> errors = std::exchange(errors_, {});
  for (const auto& [pid, part] : parts_) {
    if (part == nullptr) continue;
    for (std::string& error : part->take_errors()) errors.push_back(std::move(error));
  }
  for (const auto& output : outputs_) {
    if (std::string error = output->take_error(); !error.empty()) {
      errors.push_back(std::move(error));
    }
  }
  return errors;
}

bool BackendSet::all_readers_gone() const {
  if (options_.separately) return false;  // they are files
  bool any = false;
  for (const Instance& backend : backends_) {
    if (!backend->output().reader_gone()) return false;
    any = true;
  }
  return any;
}

}  // namespace wc
