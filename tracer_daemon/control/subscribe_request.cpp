#include "control/subscribe_request.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"

namespace wc {
namespace {

constexpr uint64_t kMillisecond = 1'000'000;
constexpr std::string_view kViews[] = {"function", "caller", "syscall", "thread", "path"};

Status read_number(std::string_view word, std::string_view value, uint64_t least, uint64_t most,
                   uint64_t& to) {
  const auto number = whole_number<uint64_t>(value);
  if (!number || *number < least || *number > most)
    return Error{fmt::format("'{}': a number from {} to {} is wanted", word, least, most)};
  to = *number;
  return Done{};
}

Status read_views(std::string_view word, std::string_view value, std::vector<std::string>& to) {
  to.clear();
  while (!value.empty()) {
    const std::string_view one = value.substr(0, value.find(','));
    value.remove_prefix(std::min(one.size() + 1, value.size()));
    if (std::ranges::find(kViews, one) == std::end(kViews))
      return Error{fmt::format("'{}': there are function, caller, syscall, thread and path", word)};
    if (std::ranges::find(to, one) == to.end()) to.emplace_back(one);
  }
  if (to.empty()) return Error{fmt::format("'{}' names nothing", word)};
  return Done{};
}

Status read_word(std::string_view word, SubscribeRequest& request) {
  constexpr uint64_t kMostMilliseconds = 3'600'000, kMostRows = 10'000, kMostRecent = 1'000;
  const size_t equals = std::min(word.find('='), word.size());
  const std::string_view name = word.substr(0, equals);
  const std::string_view value = equals < word.size() ? word.substr(equals + 1) : "";
  if (name == "interval") {
    uint64_t milliseconds = 0;
    Status read = read_number(word, value, 100, kMostMilliseconds, milliseconds);
    if (read) request.interval_ns = milliseconds * kMillisecond;
    return read;
  }
  if (name == "by") return read_views(word, value, request.by);
  if (name == "top") return read_number(word, value, 1, kMostRows, request.top);
  if (name == "recent") return read_number(word, value, 1, kMostRecent, request.recent);
  if (name == "function" && !value.empty()) {
    request.function = value;
    return Done{};
  }
  return Error{
      fmt::format("'{}': there are interval=MS, by=LIST, top=N, recent=N and function=NAME", word)};
}

}  // namespace

Result<SubscribeRequest> parse_subscribe(std::string_view words) {
  constexpr std::string_view kBlanks = " \t\r";
  SubscribeRequest request;
  for (words = trimmed(words, kBlanks); !words.empty();) {
    const std::string_view word = words.substr(0, words.find_first_of(kBlanks));
    words = trimmed(words.substr(word.size()), kBlanks);
    if (Status read = read_word(word, request); !read) return read.error();
  }
  if (!request.function.empty() && request.recent == 0)
    return Error{"function=NAME is for recent=N: which system calls are shown one by one"};
  return request;
}

}  // namespace wc
