// Backend "html": a report as one file that a browser opens, without a network. The page (html/) is
// part of the program; its data stand in it as JSON, the spans of the time line packed.
#include <span>
#include <string>

#include "builtin.h"
#include "escape.h"
#include "forward.h"
#include "html_data.h"
#include "html_page.h"
#include "json_run.h"
#include "run_model.h"
#include "sink.h"

namespace wc::backends {

namespace {

constexpr size_t kMostSpans = 1'000'000;  // 8 to 14 bytes each in the file
constexpr size_t kMostNodes = 100'000;
constexpr size_t kBlock = 65'536;

void append_number(std::string& out, uint64_t number) {
  for (; number >= 0x80; number >>= 7) out += static_cast<char>(0x80 | (number & 0x7f));
  out += static_cast<char>(number);
}

// base64, RFC 4648.
void append_base64(std::string& out, std::string_view bytes) {
  constexpr char kDigits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  for (size_t i = 0; i < bytes.size(); i += 3) {
    const auto byte = [&](size_t at) {
      return at < bytes.size() ? uint32_t{static_cast<unsigned char>(bytes[at])} : 0U;
    };
    const uint32_t three = byte(i) << 16 | byte(i + 1) << 8 | byte(i + 2);
    out += kDigits[three >> 18];
    out += kDigits[three >> 12 & 63];
    out += i + 1 < bytes.size() ? kDigits[three >> 6 & 63] : '=';
    out += i + 2 < bytes.size() ? kDigits[three & 63] : '=';
  }
}

class HtmlBackend {
 public:
  explicit HtmlBackend(const wc_host& host)
      : sink_(host), facts_(run_facts(host)), model_(kMostSpans, kMostNodes) {}

  void call(const wc_call& event) {
    model_.call(event);
    data_.call(event);
  }
  void syscall(const wc_syscall& event) {
    model_.syscall(event);
    data_.syscall(event);
  }
  void ret(const wc_return& event) {
    model_.ret(event);
    data_.ret(event);
  }
  void process(const wc_process& event) {
    model_.process(event);
    data_.process(event);
  }
  void lost(const wc_lost& event) { data_.lost(event); }
  void close();

 private:
  void head(JsonWriter& json);
  void names(JsonWriter& json);
  void tree(JsonWriter& json);
  void spans(JsonWriter& json);
  void send();

  Sink sink_;
  RunFacts facts_;
  RunModel model_;
  HtmlData data_;
  std::string json_;
};

// What stands between the tags of a script must not end it. JSON has this sign in strings only.
void HtmlBackend::send() {
  for (const char c : json_) {
    if (c == '<')
      sink_.buffer() += "\\u003c";
    else
      sink_.buffer() += c;
  }
  json_.clear();
  sink_.send();
}

void HtmlBackend::head(JsonWriter& json) {
  const wc_host& host = sink_.host();
  json.key("argv");
  json.begin_array();
  for (const char* const* word = host.argv; word != nullptr && *word != nullptr; ++word)
    json.string(*word);
  json.end_array();
  json.member("version", view(host.version));
  json.member("engine", view(host.engine));
  json.member("wrapped", view(host.functions));
  json.member("breakpoints", view(host.breakpoints));
  json.member("time", std::string_view(facts_.time));
  json.member("host", std::string_view(facts_.host));
  json.member("kernel", std::string_view(facts_.kernel));
  json.member("start", model_.start());
  json.member("end", model_.end());
  json.member("dropped", model_.dropped_spans());
}

void HtmlBackend::names(JsonWriter& json) {
  json.key("names");
  json.begin_array();
  for (const ModelName& name : model_.names()) {
    json.number(static_cast<uint64_t>(name.kind));
    json.string(name.text);
  }
  json.end_array();
}

// Columns, for each node five numbers.
void HtmlBackend::tree(JsonWriter& json) {
  json.key("tree");
  json.begin_array();
  for (const TreeNode& node : model_.tree()) {
    json.number(uint64_t{node.parent});
    json.number(uint64_t{node.name});
    json.number(node.count);
    json.number(node.errors);
    json.number(node.ns);
    if (json_.size() >= kBlock) send();
  }
  json.end_array();
}

// For each thread how many, and of each the time since the one before it began, the duration, the
// name and whether it failed, the depth: numbers of 7 bits a byte, as base64.
void HtmlBackend::spans(JsonWriter& json) {
  const std::vector<Span> sorted = model_.take_spans();
  std::vector<uint64_t> counts(model_.tracks().size());
  std::string packed;
  uint64_t before = model_.start();
  uint32_t track = RunModel::kNone;
  for (const Span& one : sorted) {
    if (one.track != track) before = model_.start();
    track = one.track;
    ++counts[track];
    append_number(packed, one.start - before);
    append_number(packed, one.end - one.start);
    append_number(packed, uint64_t{one.name} << 1 | (one.is_error ? 1 : 0));
    append_number(packed, one.depth);
    before = one.start;
  }
  json.key("tracks");
  json.begin_array();
  for (size_t i = 0; i < counts.size(); ++i) {
    const RunModel::Track& of = model_.tracks()[i];
    json.begin_array();
    json.number(int64_t{of.pid});
    json.number(int64_t{of.tid});
    json.number(uint64_t{of.program});
    json.number(counts[i]);
    json.end_array();
  }
  json.end_array();
  std::string text;
  append_base64(text, packed);
  json.member("spans", std::string_view(text));
}

void HtmlBackend::close() {
  model_.close();
  const std::string_view page = html_page();
  const size_t hole = page.find(kHtmlData);
  sink_.buffer() = page.substr(0, hole);
  JsonWriter json(json_);
  json.begin_object();
  head(json);
  data_.write(json);
  names(json);
  tree(json);
  spans(json);
  json.end_object();
  send();
  sink_.buffer() = page.substr(hole + kHtmlData.size());
  sink_.send();
}

int open_html(void** context, const wc_host* host, char* error, size_t size) {
  if (host->is_terminal != 0)
    return open_error(error, size, "writes a page for a browser; use html:output=FILE");
  *context = new HtmlBackend(*host);
  return 0;
}

}  // namespace

const wc_backend* html_backend() {
  static constexpr wc_backend kHtml = {
      .abi = WC_BACKEND_ABI,
      .struct_size = sizeof(wc_backend),
      .name = "html",
      .wants =
          WC_WANT_TEXT | WC_WANT_CALLER | WC_WANT_CALL_TIME | WC_WANT_SYSCALL_TIME | WC_WANT_PATHS,
      .options = "",
      .open = open_html,
      .call = forward<&HtmlBackend::call>,
      .syscall_exit = forward<&HtmlBackend::syscall>,
      .ret = forward<&HtmlBackend::ret>,
      .process = forward<&HtmlBackend::process>,
      .lost = forward<&HtmlBackend::lost>,
      .close = close_and_delete<HtmlBackend>,
  };
  return &kHtml;
}

}  // namespace wc::backends
