#include "otlp_options.h"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <string_view>

#include "escape.h"

namespace wc::backends {

namespace {

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

std::string percent_decoded(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    unsigned value = 0;
    const char* first = text.data() + i + 1;
    if (text[i] == '%' && i + 2 < text.size() &&
        std::from_chars(first, first + 2, value, 16).ptr == first + 2) {
      out += static_cast<char>(value);
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out;
}

// "key=value,key=value", as OTEL_RESOURCE_ATTRIBUTES has it.
bool read_pairs(const char* variable, OtlpOptions::Pairs& pairs, std::string& error) {
  std::string_view rest = view(std::getenv(variable));
  while (!rest.empty()) {
    const size_t comma = std::min(rest.find(','), rest.size());
    const std::string_view pair = rest.substr(0, comma);
    rest.remove_prefix(std::min(comma + 1, rest.size()));
    const size_t equals = pair.find('=');
    if (trimmed(pair).empty()) continue;
    std::string key(trimmed(pair.substr(0, equals)));
    std::string value =
        equals == pair.npos ? "" : percent_decoded(trimmed(pair.substr(equals + 1)));
    const bool is_clean = std::ranges::none_of(
        key + value, [](char c) { return static_cast<unsigned char>(c) < ' ' || c == '\x7f'; });
    if (key.empty() || equals == pair.npos || !is_clean) {
      error = std::string("the environment variable ") + variable +
              " is not of the form key=value,key=value";
      return false;
    }
    std::erase_if(pairs, [&](const auto& known) { return known.first == key; });
    pairs.emplace_back(std::move(key), std::move(value));
  }
  return true;
}

// Reads options one after the other; the first that is wrong is kept.
class Reader {
 public:
  Reader(const Sink& sink, std::string& error) : sink_(sink), error_(error) {}

  template <typename Number>
  void number(const char* key, Number& value, uint64_t least, uint64_t most, uint64_t unit = 1) {
    const std::string_view text = sink_.option(key);
    if (text.empty()) return;
    uint64_t read = 0;
    const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), read);
    if (code == std::errc{} && end == text.data() + text.size() && read >= least && read <= most)
      value = static_cast<Number>(read * unit);
    else
      fail(key, "a number from " + std::to_string(least) + " to " + std::to_string(most));
  }
  // The place of the word among `words`, or `otherwise`.
  size_t word(const char* key, std::initializer_list<std::string_view> words, size_t otherwise) {
    const std::string_view text = sink_.option(key);
    if (text.empty()) return otherwise;
    const auto found = std::ranges::find(words, text);
    if (found != words.end()) return static_cast<size_t>(found - words.begin());
    std::string all;
    for (const std::string_view one : words) (all += all.empty() ? "" : ", ") += one;
    fail(key, "one of " + all);
    return otherwise;
  }
  void fail(const char* key, const std::string& what) {
    if (error_.empty()) error_ = std::string("option '") + key + "' takes " + what;
  }

 private:
  const Sink& sink_;
  std::string& error_;
};

bool is_url(std::string_view url) {
  for (const std::string_view scheme : {"http://", "https://"})
    if (url.starts_with(scheme) && url.size() > scheme.size() && url[scheme.size()] != '/')
      return std::ranges::none_of(url, [](char c) { return c <= ' ' || c == '\x7f'; });
  return false;
}

// A base, as OTEL_EXPORTER_OTLP_ENDPOINT has it, unless it names the place itself.
std::string url_of_base(std::string_view base) {
  constexpr std::string_view kPlace = "/v1/traces";
  while (base.ends_with('/')) base.remove_suffix(1);
  return std::string(base) + std::string(base.ends_with(kPlace) ? "" : kPlace);
}

std::string find_url(const Sink& sink, bool has_file) {
  if (const auto endpoint = sink.option("endpoint"); !endpoint.empty())
    return url_of_base(endpoint);
  if (has_file) return {};
  if (const auto url = view(std::getenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")); !url.empty())
    return std::string(url);
  const auto base = view(std::getenv("OTEL_EXPORTER_OTLP_ENDPOINT"));
  return base.empty() ? std::string() : url_of_base(base);
}

void read_service(const Sink& sink, OtlpOptions& options) {
  const auto is_service = [](const auto& pair) { return pair.first == "service.name"; };
  if (const auto given = std::ranges::find_if(options.attributes, is_service);
      given != options.attributes.end())
    options.service = given->second;
  std::erase_if(options.attributes, is_service);
  if (const auto name = view(std::getenv("OTEL_SERVICE_NAME")); !name.empty())
    options.service = name;
  if (const auto name = sink.option("service"); !name.empty()) options.service = name;
}

}  // namespace

bool OtlpOptions::read(const Sink& sink, std::string& error) {
  has_file = !sink.option("output").empty();
  url = find_url(sink, has_file);
  if (url.empty() && !has_file)
    error = "needs a collector or a file: otlp:endpoint=http://HOST:4318 or otlp:output=FILE";
  else if (!url.empty() && !is_url(url))
    error = "endpoint '" + url + "' is no URL of the form http://HOST:PORT or https://HOST:PORT";
  Reader reader(sink, error);
  if (const std::string text(sink.option("ratio")); !text.empty()) {
    char* end = nullptr;
    ratio = std::strtod(text.c_str(), &end);
    if (*end != '\0' || !(ratio > 0 && ratio <= 1))
      reader.fail("ratio", "a number above 0, at most 1");
  }
  syscalls = static_cast<SyscallsAs>(reader.word("syscalls", {"spans", "events", "attributes"}, 0));
  trace_each_call = reader.word("trace", {"run", "call"}, 0) == 1;
  is_compressed = reader.word("compression", {"none", "gzip"}, 1) == 1;
  reader.number("batch", batch, 1, 100'000);
  reader.number("delay", delay_ns, 0, 3'600'000, 1'000'000);
  reader.number("queue", queue, 1, 4096, size_t{1} << 20);
  reader.number("timeout", timeout_ms, 1, 3600, 1000);
  reader.number("linger", linger_ms, 0, 3600, 1000);
  if (!error.empty()) return false;
  if (!read_pairs("OTEL_RESOURCE_ATTRIBUTES", attributes, error) ||
      !read_pairs("OTEL_EXPORTER_OTLP_HEADERS", headers, error))
    return false;
  read_service(sink, *this);
  if (const auto text = view(std::getenv("TRACEPARENT")); !text.empty())
    parent = parse_traceparent(text);
  return true;
}

}  // namespace wc::backends
