#include "backend_host/backend_spec.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <numeric>
#include <span>
#include <utility>
#include <vector>

#include "builtin.h"

namespace wc {

namespace {

constexpr std::string_view kOutputOption = "output";
constexpr std::string_view kAnyOption = "*";
constexpr std::string_view kSwitch = "histogram";  // may stand without a value: it is on

size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 0; i < a.size(); ++i) {
    size_t diagonal = std::exchange(row[0], i + 1);
    for (size_t j = 0; j < b.size(); ++j) {
      const size_t replaced = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, row[j] + 1, diagonal + 1});
    }
  }
  return row.back();
}

// " (did you mean 'json'?)", or nothing when no name is near.
std::string suggestion(std::string_view word, std::span<const std::string_view> names) {
  std::string_view best;
  size_t best_distance = std::min<size_t>(2, word.size() / 2) + 1;
  for (const std::string_view name : names) {
    const size_t distance = name.starts_with(word) && !word.empty() ? 0 : edit_distance(word, name);
    if (distance < best_distance) {
      best = name;
      best_distance = distance;
    }
  }
  return best.empty() ? "" : fmt::format(" (did you mean '{}'?)", best);
}

std::vector<std::string_view> words(std::string_view text) {
  std::vector<std::string_view> result;
  while (!text.empty()) {
    const size_t end = std::min(text.find(' '), text.size());
    if (end != 0) result.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return result;
}

Status parse_option(std::string_view text, BackendSpec& spec) {
  if (text == kSwitch) {
    spec.options.emplace(text, "on");
    return Done{};
  }
  const size_t equals = text.find('=');
  if (equals == std::string_view::npos || equals == 0) {
    return Error{
        fmt::format("backend '{}': '{}' is no option: expected key=value", spec.name, text)};
  }
  const std::string key(text.substr(0, equals));
  if (!spec.options.emplace(key, text.substr(equals + 1)).second) {
    return Error{fmt::format("backend '{}': option '{}' is given twice", spec.name, key)};
  }
  return Done{};
}

}  // namespace

Result<BackendSpec> parse_backend_spec(std::string_view text) {
  const size_t colon = text.find(':');
  BackendSpec spec;
  spec.text = text;
  spec.name = text.substr(0, colon);
  if (spec.name.empty()) {
    return Error{
        fmt::format("'{}' names no backend: expected NAME, ./file.so or ./file.lua", text)};
  }
  // A script is an option of the backend that runs it.
  if (spec.is_path() && spec.name.ends_with(".lua"))
    spec.options.emplace("script", std::exchange(spec.name, "lua"));
  if (colon == std::string_view::npos) return spec;
  std::string_view rest = text.substr(colon + 1);
  while (true) {
    const size_t comma = std::min(rest.find(','), rest.size());
    if (Status status = parse_option(rest.substr(0, comma), spec); !status) return status.error();
    if (comma == rest.size()) return spec;
    rest.remove_prefix(comma + 1);
  }
}

Status check_backend_options(const BackendSpec& spec, std::string_view known) {
  std::vector<std::string_view> names = words(known);
  names.push_back(kOutputOption);
  for (const auto& [key, value] : spec.options) {
    const auto is_known = [&](std::string_view name) { return name == key || name == kAnyOption; };
    if (std::any_of(names.begin(), names.end(), is_known)) continue;
    return Error{fmt::format("backend '{}' has no option '{}'{}; it knows {}", spec.name, key,
                             suggestion(key, names), fmt::join(names, ", "))};
  }
  return Done{};
}

Error unknown_backend(const BackendSpec& spec) {
  const auto names = backends::builtin_names();
  if (spec.name.ends_with(".so") || spec.name.ends_with(".lua")) {
    return Error{fmt::format("unknown backend '{}': a file is named with a slash, './{}'",
                             spec.name, spec.name)};
  }
  return Error{
      fmt::format("unknown backend '{}'{}; there are {}, and ./file.so or ./file.lua for "
                  "one of your own",
                  spec.name, suggestion(spec.name, names), fmt::join(names, ", "))};
}

}  // namespace wc
