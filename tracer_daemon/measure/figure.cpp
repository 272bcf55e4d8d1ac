#include "measure/figure.h"

#include <fmt/format.h>
#include <regex.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <vector>

#include "measure/statistics.h"

namespace wc::measure {
namespace {

constexpr const char* kKnownRates[] = {
    "([0-9][0-9.,]*) requests per second",          // redis-benchmark, with and without -q
    "^Requests per second: +([0-9][0-9.,]*)",       // ab
    "^ *Requests/sec:[[:space:]]+([0-9][0-9.,]*)",  // wrk, hey
    "^tps = ([0-9][0-9.,]*)",                       // pgbench
    "transactions: +[0-9]+ +\\(([0-9.]+) per sec",  // sysbench
    "^Totals +([0-9][0-9.,]*)",                     // memtier_benchmark
    "finished in [^,]*, ([0-9][0-9.,]*) req/s",     // h2load
};

class Pattern {
 public:
  explicit Pattern(const std::string& text) : code_(regcomp(&regex_, text.c_str(), REG_EXTENDED)) {}
  ~Pattern() {
    if (code_ == 0) regfree(&regex_);
  }
  Pattern(const Pattern&) = delete;
  Pattern& operator=(const Pattern&) = delete;

  [[nodiscard]] std::string fault() const {
    if (code_ == 0) return regex_.re_nsub > 0 ? "" : "no group ( ) around the number";
    char text[200];
    regerror(code_, &regex_, text, sizeof text);
    return text;
  }

  std::optional<double> number_in(const std::string& line) const {
    regmatch_t match[2];
    if (regexec(&regex_, line.c_str(), 2, match, 0) != 0 || match[1].rm_so < 0) return {};
    std::string digits = line.substr(match[1].rm_so, match[1].rm_eo - match[1].rm_so);
    digits.erase(std::remove(digits.begin(), digits.end(), ','), digits.end());
    char* end = nullptr;
    const double number = std::strtod(digits.c_str(), &end);
    if (end == digits.c_str() || !std::isfinite(number) || number <= 0) return {};
    return number;
  }

 private:
  regex_t regex_{};
  int code_;
};

// Progress that a terminal would have overwritten ends with '\r'.
std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::size_t begin = 0;
  while (begin < text.size()) {
    const std::size_t end = std::min(text.find_first_of("\r\n", begin), text.size());
    if (end > begin) lines.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return lines;
}

std::optional<double> mean_of_matches(const std::vector<std::string>& lines, const char* pattern) {
  const Pattern compiled(pattern);
  if (!compiled.fault().empty()) return {};
  std::vector<double> numbers;
  for (const std::string& line : lines) {
    if (const auto number = compiled.number_in(line)) numbers.push_back(*number);
  }
  if (numbers.empty()) return {};
  return geometric_mean(numbers);
}

}  // namespace

Status check_pattern(const std::string& pattern) {
  const std::string fault = Pattern(pattern).fault();
  if (fault.empty()) return Done{};
  return Error{
      fmt::format("bad pattern '{}': {}; valid: as grep -E takes it, with the number in "
                  "( ), like 'took ([0-9.]+) ms'",
                  pattern, fault)};
}

std::optional<double> figure_in(const std::string& text, const FigurePattern& wanted) {
  if (wanted.pattern.empty()) return known_rate_in(text);
  return mean_of_matches(lines_of(text), wanted.pattern.c_str());
}

std::optional<double> known_rate_in(const std::string& text) {
  const std::vector<std::string> lines = lines_of(text);
  for (const char* pattern : kKnownRates) {
    if (const auto rate = mean_of_matches(lines, pattern)) return rate;
  }
  return {};
}

}  // namespace wc::measure
