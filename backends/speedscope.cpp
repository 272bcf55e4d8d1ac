// Backend "speedscope": the JSON that speedscope.app reads. A profile for each thread, by time, and
// one of all of them by the number of system calls.
#include <span>
#include <vector>

#include "builtin.h"
#include "forward.h"
#include "json_writer.h"
#include "run_model.h"
#include "sink.h"

namespace wc::backends {

namespace {

// 40 bytes each; speedscope itself needs several times that for each.
constexpr size_t kMostSpans = 1'500'000;
constexpr size_t kMostNodes = 400'000;
constexpr size_t kBlock = 65'536;

class SpeedscopeBackend {
 public:
  explicit SpeedscopeBackend(const wc_host& host) : sink_(host), model_(kMostSpans, kMostNodes) {}

  RunModel& model() { return model_; }
  void lost(const wc_lost& event) { lost_ += event.count; }
  void close();

 private:
  void frames(JsonWriter& json);
  void by_time(JsonWriter& json, std::span<const Span> spans);
  void by_count(JsonWriter& json);
  void begin_profile(JsonWriter& json, std::string_view type, std::string_view name,
                     std::string_view unit, uint64_t end);
  void event(JsonWriter& json, std::string_view type, uint32_t frame, uint64_t at);
  void say_missing();
  void send() {
    if (sink_.buffer().size() >= kBlock) sink_.send();
  }

  Sink sink_;
  RunModel model_;
  uint64_t lost_ = 0;
};

void SpeedscopeBackend::frames(JsonWriter& json) {
  json.key("shared");
  json.begin_object();
  json.key("frames");
  json.begin_array();
  for (const ModelName& name : model_.names()) {
    json.begin_object();
    json.member("name", std::string_view(name.text));
    json.end_object();
    send();
  }
  json.end_array();
  json.end_object();
}

void SpeedscopeBackend::begin_profile(JsonWriter& json, std::string_view type,
                                      std::string_view name, std::string_view unit, uint64_t end) {
  json.begin_object();
  json.member("type", type);
  json.member("name", name);
  json.member("unit", unit);
  json.member("startValue", uint64_t{0});
  json.member("endValue", end);
}

void SpeedscopeBackend::event(JsonWriter& json, std::string_view type, uint32_t frame,
                              uint64_t at) {
  json.begin_object();
  json.member("type", type);
  json.member("frame", frame);
  json.member("at", at);
  json.end_object();
  send();
}

// A reader wants each frame closed inside of the one around it and times that never go back. Clocks
// of two processors may differ by some nanoseconds: what stands out is cut.
void SpeedscopeBackend::by_time(JsonWriter& json, std::span<const Span> spans) {
  const RunModel::Track& track = model_.tracks()[spans.front().track];
  const std::string name = model_.names()[track.program].text + " " + std::to_string(track.tid);
  const uint64_t start = model_.start();
  begin_profile(json, "evented", name, "nanoseconds", model_.end() - start);
  json.key("events");
  json.begin_array();
  std::vector<Span> open;
  const auto close_until = [&](uint64_t at) {
    while (!open.empty() && open.back().end <= at) {
      event(json, "C", open.back().name, open.back().end - start);
      open.pop_back();
    }
  };
  for (Span one : spans) {
    close_until(one.start);
    if (!open.empty()) one.end = std::min(one.end, open.back().end);
    event(json, "O", one.name, one.start - start);
    open.push_back(one);
  }
  close_until(UINT64_MAX);
  json.end_array();
  json.end_object();
}

void SpeedscopeBackend::by_count(JsonWriter& json) {
  const auto& tree = model_.tree();
  std::vector<uint32_t> nodes;
  uint64_t total = 0;
  for (uint32_t i = 1; i < tree.size(); ++i) {
    if (model_.names()[tree[i].name].kind != NameKind::Syscall) continue;
    nodes.push_back(i);
    total += tree[i].count;
  }
  begin_profile(json, "sampled", "system calls, by number", "none", total);
  json.key("samples");
  json.begin_array();
  for (const uint32_t node : nodes) {
    std::vector<uint32_t> stack;
    for (uint32_t at = node; at != RunModel::kRoot; at = tree[at].parent)
      stack.push_back(tree[at].name);
    json.begin_array();
    for (size_t i = stack.size(); i-- > 0;) json.number(uint64_t{stack[i]});
    json.end_array();
    send();
  }
  json.end_array();
  json.key("weights");
  json.begin_array();
  for (const uint32_t node : nodes) json.number(tree[node].count);
  json.end_array();
  json.end_object();
}

void SpeedscopeBackend::say_missing() {
  const wc_host& host = sink_.host();
  if (host.say == nullptr) return;
  if (model_.dropped_spans() != 0)
    host.say(host.handle,
             ("the profiles by time end after " + std::to_string(kMostSpans) +
              " calls and system calls; " + std::to_string(model_.dropped_spans()) +
              " are left out there")
                 .c_str(),
             0);
  if (lost_ != 0) host.say(host.handle, (std::to_string(lost_) + " events were lost").c_str(), 0);
}

void SpeedscopeBackend::close() {
  model_.close();
  JsonWriter json(sink_.buffer());
  json.begin_object();
  json.member("$schema", std::string_view("https://www.speedscope.app/file-format-schema.json"));
  json.member("version", std::string_view("0.0.1"));
  const wc_host& host = sink_.host();
  if (host.version != nullptr)
    json.member("exporter", std::string_view("wc-preload " + std::string(view(host.version))));
  if (host.argv != nullptr && host.argv[0] != nullptr) json.member("name", view(host.argv[0]));
  json.member("activeProfileIndex", uint64_t{0});
  frames(json);
  json.key("profiles");
  json.begin_array();
  const std::vector<Span> spans = model_.take_spans();
  for (size_t begin = 0; begin < spans.size();) {
    size_t end = begin;
    while (end < spans.size() && spans[end].track == spans[begin].track) ++end;
    by_time(json, std::span(spans).subspan(begin, end - begin));
    begin = end;
  }
  by_count(json);
  json.end_array();
  json.end_object();
  sink_.buffer() += '\n';
  sink_.send();
  say_missing();
}

SpeedscopeBackend& self(void* context) { return *static_cast<SpeedscopeBackend*>(context); }
RunModel& model(void* context) { return self(context).model(); }

int open_speedscope(void** context, const wc_host* host, char* error, size_t size) {
  if (host->is_terminal != 0)
    return open_error(error, size, "writes a file for a viewer; use speedscope:output=FILE");
  *context = new SpeedscopeBackend(*host);
  return 0;
}

}  // namespace

const wc_backend* speedscope_backend() {
  static constexpr wc_backend kSpeedscope = {
      .abi = WC_BACKEND_ABI,
      .struct_size = sizeof(wc_backend),
      .name = "speedscope",
      .wants = WC_WANT_CALLER | WC_WANT_CALL_TIME | WC_WANT_SYSCALL_TIME,
      .options = "",
      .open = open_speedscope,
      .call = [](void* context, const wc_call* event) { model(context).call(*event); },
      .syscall_exit = [](void* context,
                         const wc_syscall* event) { model(context).syscall(*event); },
      .ret = [](void* context, const wc_return* event) { model(context).ret(*event); },
      .process = [](void* context, const wc_process* event) { model(context).process(*event); },
      .lost = forward<&SpeedscopeBackend::lost>,
      .close = close_and_delete<SpeedscopeBackend>,
  };
  return &kSpeedscope;
}

}  // namespace wc::backends
