#include "text_options.h"

#include <charconv>
#include <string_view>

#include "sink.h"

namespace wc::backends {

namespace {

constexpr uint32_t kMaxColumn = 1000;

// False where `text` is neither empty (not given) nor a number.
bool parse_number(std::string_view text, uint32_t& value) {
  if (text.empty()) return true;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
  return failure == std::errc() && end == text.data() + text.size();
}

}  // namespace

std::string read_options(const wc_host& host, TextOptions& options) {
  const Sink sink(host);
  if (!parse_number(sink.option("hold"), options.hold))
    return "option 'hold' takes a number of milliseconds";
  if (const std::string_view column = sink.option("column"); !column.empty()) {
    options.column.emplace();
    if (!parse_number(column, *options.column) || *options.column > kMaxColumn)
      return "option 'column' takes a number from 0 to 1000";
  }
  if (const std::string_view merge = sink.option("merge"); !merge.empty()) {
    if (merge != "on" && merge != "off") return "option 'merge' takes on or off";
    options.merge = merge == "on" ? Merge::On : Merge::Off;
  }
  options.colored = host.color != 0;
  if (const std::string_view color = sink.option("color"); !color.empty()) {
    if (color != "auto" && color != "always" && color != "never")
      return "option 'color' takes auto, always or never";
    if (color != "auto") options.colored = color == "always";
  }
  return {};
}

}  // namespace wc::backends
