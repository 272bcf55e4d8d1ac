#include "config/ini_scan.h"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>

#include "base/text.h"
#include "config/words.h"

namespace wc::config {
namespace {

constexpr std::string_view kWildcard = ".*";
constexpr std::string_view kNoSection = "options";

bool names_key(const IniRow& row, std::string_view key) {
  if (!row.name.ends_with(kWildcard)) return row.name == key;
  const std::string_view prefix = row.name.substr(0, row.name.size() - 1);
  return key.size() > prefix.size() && key.starts_with(prefix);
}

std::string shown_key(std::string_view section, std::string_view key) {
  if (section == kNoSection) return printable(key);
  return fmt::format("[{}] {}", section, printable(key));
}

bool is_blank(char c) { return c == ' ' || c == '\t'; }

class Scanner {
 public:
  Scanner(std::string_view text, std::string_view file) : rest_(text), file_(printable(file)) {}

  Result<IniScan> run() {
    if (rest_.starts_with("\xef\xbb\xbf")) rest_.remove_prefix(3);  // editors elsewhere add it
    while (!rest_.empty()) {
      const Status line = take_line();
      if (!line) return line.error();
    }
    return std::move(scan_);
  }

 private:
  Status take_line() {
    ++line_;
    const std::size_t end = std::min(rest_.find('\n'), rest_.size());
    std::string_view text = rest_.substr(0, end);
    rest_.remove_prefix(std::min(end + 1, rest_.size()));
    if (text.ends_with('\r')) text.remove_suffix(1);
    const auto bad = std::find_if(text.begin(), text.end(), [](char c) {
      const auto byte = static_cast<unsigned char>(c);
      return (byte < 0x20 && c != '\t') || byte == 0x7f;
    });
    if (bad != text.end()) {
      return fail(fmt::format("byte 0x{:02x} in an INI file, which is plain text",
                              static_cast<unsigned char>(*bad)));
    }
    const Result<std::string_view> content = without_comment(text);
    if (!content) return content.error();
    if (content->empty()) return Done{};
    return content->front() == '[' ? take_section(*content) : take_entry(*content);
  }

  // A comment begins with '#' or ';' at the start of a line or after a blank, and not inside a
  // value that is quoted as a whole.
  [[nodiscard]] Result<std::string_view> without_comment(std::string_view text) const {
    std::size_t closing = 0;  // of the quoted value
    bool seen_equals = false;
    for (std::size_t i = 0; i < text.size(); ++i) {
      const char c = text[i];
      if ((c == '#' || c == ';') && (i == 0 || is_blank(text[i - 1]))) {
        return trimmed(text.substr(0, i));
      }
      if (closing != 0 && !is_blank(c)) return fail("text after the closing quote");
      if (!seen_equals) {
        seen_equals = c == '=';
        continue;
      }
      const bool opens = (c == '"' || c == '\'') && begins_value(text, i);
      if (!opens) continue;
      closing = text.find(c, i + 1);
      if (closing == std::string_view::npos) return fail("a quote is opened and not closed");
      i = closing;
    }
    return trimmed(text);
  }

  // Whether only blanks stand between the first '=' and position `at`.
  static bool begins_value(std::string_view text, std::size_t at) {
    const std::size_t begin = text.find('=') + 1;
    return trimmed(text.substr(begin, at - begin)).empty();
  }

  Status take_section(std::string_view content) {
    if (content.back() != ']') {
      return fail(
          fmt::format("expected a section such as [functions], found {}", in_quotes(content)));
    }
    const std::string_view name = trimmed(content.substr(1, content.size() - 2));
    std::vector<std::string_view> names;
    for (const IniRow& row : ini_rows()) {
      if (row.section == name) {
        section_ = row.section;
        scan_.text += fmt::format("[{}]\n", name);
        return Done{};
      }
      if (names.empty() || names.back() != row.section) names.push_back(row.section);
    }
    return fail(fmt::format("unknown section [{}]{}", printable(name.substr(0, 80)),
                            suggestion(name, names, "[{}]")));
  }

  Status take_entry(std::string_view content) {
    const std::size_t equals = content.find('=');
    if (equals == std::string_view::npos) {
      return fail(fmt::format("expected KEY=VALUE or [SECTION], found {}", in_quotes(content)));
    }
    const std::string_view key = trimmed(content.substr(0, equals));
    const std::string_view value = trimmed(content.substr(equals + 1));
    if (key.empty()) return fail(fmt::format("no key before {}", in_quotes(content)));
    const Result<const IniRow*> row = find_key(key);
    if (!row) return row.error();
    const std::string name = shown_key(section_, key);
    if (value.empty() || value == "\"\"" || value == "''") {
      return fail(fmt::format("{}: the value is empty", name));
    }
    const auto [earlier, is_new] = first_lines_.try_emplace(name, line_);
    if (!is_new && (*row)->times == Times::Once) {
      return fail(fmt::format("{} is given twice, first in line {}", name, earlier->second));
    }
    std::string stood_in(value);
    std::replace(stood_in.begin(), stood_in.end(), '#', kHashStandIn);
    scan_.text += fmt::format("{}={}\n", key, stood_in);
    scan_.entries.push_back(IniEntry{*row, name, line_});
    return Done{};
  }

  [[nodiscard]] Result<const IniRow*> find_key(std::string_view key) const {
    std::vector<std::string_view> here;
    std::string_view elsewhere;
    for (const IniRow& row : ini_rows()) {
      const bool fits = names_key(row, key);
      if (row.section == section_ && fits) return &row;
      if (row.section == section_) here.push_back(row.name);
      if (fits) elsewhere = row.section;
    }
    const std::string what = fmt::format("unknown key {}", in_quotes(key));
    const std::string in = section_ == kNoSection ? "" : fmt::format(" in [{}]", section_);
    if (!elsewhere.empty())
      return fail(fmt::format("{}{}; it belongs in [{}]", what, in, elsewhere));
    return fail(what + in + suggestion(key, here));
  }

  [[nodiscard]] Error fail(const std::string& what) const {
    return Error{fmt::format("{}:{}: {}", file_, line_, what)};
  }

  std::string_view rest_;
  std::string file_;
  unsigned line_ = 0;
  std::string_view section_ = kNoSection;
  std::unordered_map<std::string, unsigned> first_lines_;  // of each key that has been given
  IniScan scan_;
};

}  // namespace

Result<IniScan> scan_ini(std::string_view text, std::string_view file) {
  return Scanner(text, file).run();
}

}  // namespace wc::config
