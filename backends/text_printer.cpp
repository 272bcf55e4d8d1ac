#include "text_printer.h"

#include <algorithm>
#include <iterator>

#include "text_words.h"

namespace wc::backends {

namespace {

// Without a terminal; on one, what callers are given at the right side of it.
constexpr size_t kColumn = 72;
constexpr size_t kCallerRoom = 40;
constexpr size_t kLeastGap = 2;

constexpr std::string_view kBeforeValue = ") = ";

using Kind = TextLine::Kind;

// SGR parameters of console_codes(4), in the order of Style. The sixteen colours only, which a
// terminal's user has chosen for its background.
constexpr std::string_view kStart[] = {"",        "\33[2m",  "\33[1m", "\33[36m",
                                       "\33[31m", "\33[33m", "\33[34m"};
constexpr std::string_view kEnd = "\33[0m";

}  // namespace

void TextPrinter::append(std::string_view text, Style style) {
  if (text.empty()) return;
  std::string& out = sink_.buffer();
  const bool is_styled = options_.colored && style != Style::Plain;
  if (is_styled) out += kStart[static_cast<size_t>(style)];
  out += text;
  if (is_styled) out += kEnd;
  width_ += text.size();
}

void TextPrinter::begin(int32_t tid, uint64_t ts) {
  stamp_.clear();
  if (shows_threads_) {
    stamp_ += "[pid ";
    append_digits(stamp_, static_cast<uint64_t>(tid), 10);
    stamp_ += "] ";
  }
  stamps_.append(stamp_, ts);
  append(stamp_, Style::Prefix);
}

void TextPrinter::append_head(const TextLine& line, std::string_view head) {
  const Style style = line.kind == Kind::Note      ? Style::Note
                      : line.kind == Kind::Syscall ? Style::Syscall
                                                   : Style::Call;
  if (line.kind == Kind::Frame) return append(head, Style::Prefix);
  if (line.kind == Kind::Note) return append(head, style);
  append(head.substr(0, line.name), style);
  append(head.substr(line.name));
}

// Where a caller begins: in one column for all that leave room for it, further left where it would
// not end on the line.
size_t TextPrinter::caller_column(size_t caller_size) const {
  if (options_.column) return *options_.column;
  const size_t width = host().columns;
  if (width == 0) return kColumn;
  const size_t column = std::max(width, 2 * kCallerRoom) - kCallerRoom;
  return std::min(column, width - std::min(width, caller_size));
}

void TextPrinter::append_caller(std::string_view caller) {
  const size_t column = caller_column(caller.size());
  const size_t gap = width_ + kLeastGap <= column ? column - width_ : kLeastGap;
  sink_.buffer().append(gap, ' ');
  append(caller, Style::Caller);
}

void TextPrinter::print(int32_t tid, const TextThread& lines, const TextLine& line) {
  if (line.is_hidden) return;
  width_ = 0;
  if (line.kind != Kind::Frame) begin(tid, line.ts);
  const size_t indentation = size_t{2} * line.depth;
  sink_.buffer().append(indentation, ' ');
  width_ += indentation;
  append_head(line, lines.text(line.head));
  if (line.is_open) {
    append(" <unfinished ...>");
  } else {
    const std::string_view tail = lines.text(line.tail);
    const size_t value = std::min(tail.size(), kBeforeValue.size());
    append(tail.substr(0, value));
    append(tail.substr(value), line.has_failed ? Style::Failure : Style::Plain);
    append(lines.text(line.durations));
  }
  if (line.caller.size != 0) append_caller(lines.text(line.caller));
  sink_.buffer() += '\n';
}

void TextPrinter::print_unfinished(int32_t tid, const TextThread::Pending& syscall) {
  width_ = 0;
  begin(tid, syscall.ts);
  append(syscall.name, Style::Syscall);
  append("(");
  append(syscall.args);
  append(" <unfinished ...>");
  sink_.buffer() += '\n';
}

}  // namespace wc::backends
