// docs/configuration.md, from the table of the INI file's keys.
#include "config/reference.h"

#include <fmt/format.h>

#include "config/tables.h"

namespace wc::config {
namespace {

constexpr std::string_view kHead = R"(# The configuration file

<!-- Made from tracer_daemon/config/ini_keys.cpp; `WC_UPDATE=1 ini_reference_test` writes it. -->

`wc-preload --config FILE ...` reads options from an INI file. The command line wins over the file:
where both say something about the same key, what the file says is dropped. An unknown section, key
or value is an error that names the file, the line and the nearest valid name.

A comment begins with `#` or `;` at the start of a line or after a blank. A value that needs blanks
at its ends, or ` #` inside, stands in quotes. A switch is `yes` or `no`. Keys of `[options]` may
stand at the beginning of the file without the section's line. A key may be given once, but for
those that say *repeatable*.

What a command does, rather than how, is said on the command line only: `--compare` and its options,
`--connect`, `--config`, `--help`, `--version` and the lists.
)";

std::string in_code(std::string_view text) {
  return text.empty() ? std::string() : fmt::format("`{}`", text);
}

std::string row_text(const IniRow& row) {
  std::string meaning(row.meaning);
  if (row.times == Times::Many) meaning += "; repeatable";
  if (refusal(row.key)) meaning += "; not available in this version";
  std::string name(row.name);
  if (name.ends_with('*')) name.replace(name.size() - 1, 1, "printf");
  return fmt::format("| {} | {} | {} | {} |\n", in_code(name), meaning, in_code(row.fallback),
                     in_code(fmt::format("{} = {}", name, row.example)));
}

}  // namespace

std::string ini_reference() {
  std::string text(kHead);
  std::string_view section;
  for (const IniRow& row : ini_rows()) {
    if (row.section != section) {
      section = row.section;
      text += fmt::format("\n## [{}]\n\n| key | meaning | default | example |\n|---|---|---|---|\n",
                          section);
    }
    text += row_text(row);
  }
  return text;
}

}  // namespace wc::config
