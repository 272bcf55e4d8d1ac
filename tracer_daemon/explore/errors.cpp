#include "explore/errors.h"

#include <algorithm>
#include <iterator>

#include "rules/rule_words.h"

namespace wc::explore {
namespace {

#define ERRORS_OF(syscall, errors) {#syscall, errors},
constexpr ErrorRow kRows[] = {
#include "explore/errors.def"
};
#undef ERRORS_OF

std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> words;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(separator), text.size());
    if (end > 0) words.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return words;
}

}  // namespace

std::vector<ErrorRow> error_rows() { return {std::begin(kRows), std::end(kRows)}; }

Result<ErrorChoice> parse_error_choice(std::string_view text) {
  ErrorChoice choice;
  if (text.empty()) return choice;
  if (text == "all") {
    choice.kind = ErrorChoice::Kind::All;
    return choice;
  }
  choice.kind = ErrorChoice::Kind::Named;
  for (std::string& name : split(text, ',')) {
    if (auto code = parse_error_name(name); !code) return code.error();
    const auto& names = choice.names;
    if (std::find(names.begin(), names.end(), name) == names.end())
      choice.names.push_back(std::move(name));
  }
  if (choice.names.empty()) return Error{"the list of errors is empty"};
  return choice;
}

std::vector<std::string> errors_for(std::string_view syscall, const ErrorChoice& choice) {
  const auto* row = std::find_if(std::begin(kRows), std::end(kRows),
                                 [&](const ErrorRow& r) { return r.syscall == syscall; });
  if (row != std::end(kRows) && row->errors.empty()) return {};
  if (choice.kind == ErrorChoice::Kind::Named) return choice.names;
  if (row == std::end(kRows)) return {"ENOSYS"};
  std::vector<std::string> errors = split(row->errors, ' ');
  if (choice.kind == ErrorChoice::Kind::Telling) errors.resize(1);
  return errors;
}

}  // namespace wc::explore
