#include "diff/profile.h"

#include <fmt/format.h>

#include <charconv>
#include <nlohmann/json.hpp>

namespace wc {
namespace {

using nlohmann::json;

uint64_t number(const json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_number_unsigned() ? found->get<uint64_t>() : 0;
}

std::string text(const json& object, const std::string& key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

void add(Profile& profile, const std::string& row, Amount amount) {
  Amount& sum = profile.rows[row];
  sum.count += amount.count;
  sum.errors += amount.errors;
  sum.ns += amount.ns;
}

void add_parts(Profile& profile, const json& row, const std::string& name, const char* key) {
  const auto parts = row.find(key);
  if (parts == row.end() || !parts->is_array()) return;
  const bool is_of_functions = std::string_view(key) == "by_function";
  for (const json& part : *parts) {
    const std::string other = text(part, "name");
    const Amount amount{number(part, "count"), number(part, "errors"), number(part, "ns")};
    // A function that makes the system call of its name, as often as it is called, has a row.
    const auto own = profile.rows.find(name);
    if (other == name && own != profile.rows.end() && own->second.count == amount.count) continue;
    add(profile,
        is_of_functions ? fmt::format("{} in {}", name, other)
                        : fmt::format("{} in {}", other, name),
        amount);
  }
}

void add_row(Profile& profile, const json& row) {
  const std::string name = text(row, profile.by);
  if (name.empty()) return;
  const uint64_t calls = profile.by == "function" ? number(row, "calls") : number(row, "syscalls");
  add(profile, name, {calls, number(row, "errors"), number(row, "ns")});
  add_parts(profile, row, name, "by_syscall");
  add_parts(profile, row, name, "by_function");
}

}  // namespace

Result<Profile> profile_of_summary(std::string_view bytes) {
  const json summary = json::parse(bytes, nullptr, false);
  Profile profile;
  if (summary.is_object()) profile.by = text(summary, "by");
  if (profile.by.empty() || !summary.contains("total"))
    return Error{"it is no summary of one run: -b summary:format=json,output=FILE writes them"};
  for (const auto& [key, value] : summary.items()) {
    if (!value.is_array()) continue;
    for (const json& row : value)
      if (row.is_object()) add_row(profile, row);
  }
  if (const auto outside = summary.find("outside");
      outside != summary.end() && outside->is_object())
    if (const auto parts = outside->find("by_syscall"); parts != outside->end())
      for (const json& part : *parts)
        if (part.is_object())
          add(profile, text(part, "name") + " outside of all calls",
              {number(part, "count"), number(part, "errors"), number(part, "ns")});
  return profile;
}

Result<Profile> profile_of_folded(std::string_view text) {
  Profile profile;
  profile.kind = Profile::Kind::Folded;
  for (size_t line = 1; !text.empty(); line++) {
    const std::string_view one = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(one.size() + 1, text.size()));
    if (one.empty()) continue;
    const size_t blank = one.rfind(' ');
    uint64_t count = 0;
    const std::string_view digits =
        blank != std::string_view::npos ? one.substr(blank + 1) : std::string_view();
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), count);
    if (digits.empty() || error != std::errc() || end != digits.data() + digits.size())
      return Error{fmt::format("line {} is no stack with a number behind it", line)};
    add(profile, std::string(one.substr(0, blank)), {count, 0, 0});
  }
  return profile;
}

}  // namespace wc
