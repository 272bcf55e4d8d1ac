#include "rules/rule_words.h"

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <charconv>

#include "base/text.h"
#include "decode/decoder.h"
#include "decode/flag_tables.h"

namespace wc {
namespace {

constexpr int kMostErrno = 4095, kMostSignal = 64;

Error not_a(std::string_view what, std::string_view text) {
  return {"'" + std::string(text) + "' is no " + std::string(what)};
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  for (size_t at = 0;;) {
    const size_t next = text.find(separator, at);
    parts.push_back(text.substr(at, next == std::string_view::npos ? next : next - at));
    if (next == std::string_view::npos) return parts;
    at = next + 1;
  }
}

std::optional<uint64_t> flag_value(std::string_view name) {
  for (size_t i = 0; i < static_cast<size_t>(FlagTable::Count); i++)
    for (const FlagRow& row : flag_table(static_cast<FlagTable>(i)).rows)
      if (row.name == name) return row.value;
  return std::nullopt;
}

// "arg2" is 1: the second argument's place.
std::optional<uint8_t> argument_place(std::string_view text) {
  if (text.size() != 4 || !text.starts_with("arg") || text[3] < '1' || text[3] > '6')
    return std::nullopt;
  return static_cast<uint8_t>(text[3] - '1');
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const char lower = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

}  // namespace

std::vector<std::string> split_rule(std::string_view text) {
  const size_t place = end_of_place(text);
  std::vector<std::string> parts{std::string(text.substr(0, place))};
  bool quoted = false;
  for (size_t i = place; i < text.size(); i++) {
    const char c = text[i];
    if (c == '"') quoted = !quoted;
    const bool is_name = c == ':' && i + 1 < text.size() && text[i + 1] == ':';
    if (is_name && !quoted) {
      parts.back() += "::";
      i++;
    } else if (c == ':' && !quoted) {
      parts.emplace_back();
    } else {
      parts.back() += c;
    }
  }
  return parts;
}

Result<uint64_t> parse_number(std::string_view text) {
  int base = 10;
  std::string_view digits = text;
  if (digits.starts_with("0x") || digits.starts_with("0X")) {
    base = 16;
    digits.remove_prefix(2);
  } else if (digits.size() > 1 && digits[0] == '0') {
    base = 8;
    digits.remove_prefix(1);
  }
  uint64_t value = 0;
  const auto [end, error] =
      std::from_chars(digits.data(), digits.data() + digits.size(), value, base);
  if (digits.empty() || error != std::errc() || end != digits.data() + digits.size())
    return not_a("number", text);
  return value;
}

Result<int64_t> parse_signed(std::string_view text) {
  const bool negative = text.starts_with('-');
  auto value = parse_number(negative ? text.substr(1) : text);
  if (!value) return not_a("number", text);
  return static_cast<int64_t>(negative ? 0 - *value : *value);
}

Result<uint64_t> parse_flag_expression(std::string_view text) {
  uint64_t value = 0;
  for (std::string_view part : split(text, '|')) {
    if (auto number = parse_signed(part)) {
      value |= static_cast<uint64_t>(*number);
    } else if (auto flag = flag_value(part)) {
      value |= *flag;
    } else {
      return not_a("number and no flag that is known", part);
    }
  }
  return value;
}

Result<int> parse_error_name(std::string_view text) {
  for (int code = 1; code <= kMostErrno; code++)
    if (errno_name(code) == text) return code;
  auto number = parse_number(text);
  if (!number || *number == 0 || *number > static_cast<uint64_t>(kMostErrno))
    return not_a("error (EIO, ENOENT, ..., or a number from 1 to 4095)", text);
  return static_cast<int>(*number);
}

Result<int> parse_signal_name(std::string_view text) {
  for (int signal = 1; signal <= kMostSignal; signal++) {
    const std::string name = signal_name(signal);
    if (text == name || "SIG" + std::string(text) == name) return signal;
  }
  auto number = parse_number(text);
  if (!number || *number == 0 || *number > static_cast<uint64_t>(kMostSignal))
    return not_a("signal (SIGINT, TERM, ..., or a number from 1 to 64)", text);
  return static_cast<int>(*number);
}

Result<uint64_t> parse_duration(std::string_view text) {
  struct Unit {
    std::string_view name;
    uint64_t nanoseconds;
  };
  constexpr Unit kUnits[] = {
      {"ns", 1}, {"us", 1000}, {"ms", 1'000'000}, {"s", 1'000'000'000}, {"", 1000}};
  for (const Unit& unit : kUnits) {
    if (!text.ends_with(unit.name)) continue;
    auto value = parse_number(text.substr(0, text.size() - unit.name.size()));
    if (!value || *value > UINT64_MAX / unit.nanoseconds)
      return not_a("time (a number, with ns, us, ms or s; microseconds without)", text);
    return *value * unit.nanoseconds;
  }
  return not_a("time", text);
}

Result<std::vector<Poke>> parse_pokes(std::string_view text) {
  std::vector<Poke> pokes;
  for (std::string_view part : split(text, ',')) {
    const size_t equals = part.find('=');
    auto place = equals != std::string_view::npos && part.starts_with('@')
                     ? argument_place(part.substr(1, equals - 1))
                     : std::nullopt;
    if (!place) return Error{"'" + std::string(part) + "' is not of the form @arg1=HEX"};
    const std::string_view digits = part.substr(equals + 1);
    Poke poke{*place, {}};
    for (size_t i = 0; i + 1 < digits.size(); i += 2) {
      const int high = hex_digit(digits[i]), low = hex_digit(digits[i + 1]);
      if (high < 0 || low < 0) break;
      poke.bytes.push_back(static_cast<uint8_t>(high << 4 | low));
    }
    if (poke.bytes.empty() || poke.bytes.size() * 2 != digits.size())
      return not_a("sequence of bytes in hexadecimal digits", digits);
    pokes.push_back(std::move(poke));
  }
  return pokes;
}

Result<RuleWhen> parse_when(std::string_view text) {
  constexpr std::string_view kForm = "expression of the form FIRST[..LAST][+[STEP]]";
  RuleWhen when;
  const size_t plus = text.find('+');
  const std::string_view range = text.substr(0, plus);
  const size_t dots = range.find("..");
  auto first = parse_number(range.substr(0, dots));
  if (!first || *first == 0) return not_a(kForm, text);
  when.first = when.last = *first;
  if (plus != std::string_view::npos) when.last = UINT64_MAX;
  if (dots != std::string_view::npos) {
    auto last = parse_number(range.substr(dots + 2));
    if (!last || *last < when.first) return not_a(kForm, text);
    when.last = *last;
  }
  const std::string_view step =
      plus == std::string_view::npos ? std::string_view() : text.substr(plus + 1);
  if (!step.empty()) {
    auto value = parse_number(step);
    if (!value || *value == 0) return not_a(kForm, text);
    when.step = *value;
  }
  return when;
}

Result<RuleCondition> parse_condition(std::string_view text) {
  using Kind = RuleCondition::Kind;
  RuleCondition condition;
  if (text.starts_with("path=")) {
    condition.kind = Kind::Path;
    condition.glob = std::string(text.substr(5));
    return condition;
  }
  struct Form {
    std::string_view begin;
    Kind kind;
  };
  for (const Form& form : {Form{"fd=", Kind::Descriptor}, Form{"size>", Kind::Size}}) {
    if (!text.starts_with(form.begin)) continue;
    auto value = parse_number(text.substr(form.begin.size()));
    if (!value) return value.error();
    condition.kind = form.kind;
    condition.value = *value;
    return condition;
  }
  const auto place = argument_place(text.substr(0, 4));
  const std::string_view rest = text.size() > 4 ? text.substr(4) : std::string_view();
  for (const Form& form :
       {Form{"==", Kind::Equal}, Form{"!=", Kind::NotEqual}, Form{"<", Kind::Less},
        Form{">", Kind::Greater}, Form{"&", Kind::AnyBit}}) {
    if (!place || !rest.starts_with(form.begin)) continue;
    auto value = parse_flag_expression(rest.substr(form.begin.size()));
    if (!value) return value.error();
    condition.kind = form.kind;
    condition.argument = *place;
    condition.value = *value;
    return condition;
  }
  return Error{"'" + std::string(text) +
               "' is no condition; valid: argN==V, argN!=V, argN<V, argN>V, argN&V, path=GLOB, "
               "fd=N, size>N"};
}

}  // namespace wc
