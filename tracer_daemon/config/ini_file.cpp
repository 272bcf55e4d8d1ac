// The INI file: read with a bound, looked through by scan_ini(), taken apart by Boost.
#include <fcntl.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/make_shared.hpp>
#include <boost/program_options/errors.hpp>
#include <boost/program_options/options_description.hpp>
#include <boost/program_options/parsers.hpp>
#include <boost/program_options/value_semantic.hpp>
#include <cerrno>
#include <sstream>

#include "base/scoped_fd.h"
#include "config/ini_scan.h"
#include "config/settings.h"
#include "config/words.h"

namespace wc::config {
namespace {

namespace po = boost::program_options;

po::options_description describe_file() {
  po::options_description description;
  const auto add = [&](const std::string& name) {
    description.add(boost::make_shared<po::option_description>(
        name.c_str(), po::value<std::vector<std::string>>()));
  };
  for (const IniRow& row : ini_rows()) {
    add(fmt::format("{}.{}", row.section, row.name));
    if (row.section == "options") add(std::string(row.name));
  }
  return description;
}

std::string unquoted(std::string value) {
  std::replace(value.begin(), value.end(), kHashStandIn, '#');
  const bool is_quoted = value.size() >= 2 && (value.front() == '"' || value.front() == '\'');
  return is_quoted ? value.substr(1, value.size() - 2) : value;
}

}  // namespace

Result<std::vector<Setting>> parse_ini(std::string_view text, std::string_view name) {
  Result<IniScan> scan = scan_ini(text, name);
  if (!scan) return scan.error();
  std::vector<Setting> settings;
  try {
    std::istringstream stream(scan->text);
    const auto parsed = po::parse_config_file(stream, describe_file());
    // The scan and Boost see the same lines, so the n-th option stands in the n-th entry's line.
    if (parsed.options.size() != scan->entries.size()) {
      return Error{fmt::format("{}: cannot be parsed", printable(name))};
    }
    for (std::size_t i = 0; i < parsed.options.size(); ++i) {
      const IniEntry& entry = scan->entries[i];
      std::string value = unquoted(parsed.options[i].value[0]);
      // every.read = 100 is --every 100@read.
      if (const size_t dot = entry.name.find('.');
          entry.row->section == "sampling" && dot != std::string::npos)
        value += "@" + entry.name.substr(dot + 1);
      settings.push_back(
          Setting{entry.row->key, std::move(value),
                  fmt::format("{}:{}: {}", printable(name), entry.line, entry.name)});
    }
  } catch (const po::error& error) {
    return Error{fmt::format("{}: {}", printable(name), printable(error.what()))};
  }
  return settings;
}

Result<std::string> read_ini_file(const std::string& path) {
  return read_text_file(path, "configuration file", "is it an INI file?");
}

Result<std::string> read_text_file(const std::string& path, std::string_view what,
                                   std::string_view doubt) {
  const auto failed = [&](int code) {
    return Error::from_errno(fmt::format("cannot read {} {}", what, in_quotes(path)), code);
  };
  const ScopedFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY));
  if (!file.valid()) return failed(errno);
  std::string text;
  std::array<char, 16384> block;
  while (text.size() <= kMaxIniSize) {
    const ssize_t got = ::read(file.get(), block.data(), block.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return failed(errno);
    if (got == 0) return text;
    text.append(block.data(), static_cast<std::size_t>(got));
  }
  return Error{fmt::format("{} {} is larger than {} KiB; {}", what, in_quotes(path),
                           kMaxIniSize / 1024, doubt),
               EFBIG};
}

}  // namespace wc::config
