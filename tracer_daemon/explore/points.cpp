#include "explore/points.h"

#include <fmt/format.h>

#include <map>
#include <tuple>

namespace wc::explore {
namespace {

Point point_of(const Trace& trace, const Syscall& syscall) {
  Point point;
  point.syscall = syscall.name;
  point.error = syscall.error;
  const std::vector<const Call*> open = trace.open_calls(syscall);
  if (open.empty()) return point;
  point.function = open.front()->function;
  point.library = open.front()->library;
  point.caller = open.back()->caller;
  return point;
}

auto key_of(const Point& point) {
  return std::make_tuple(point.syscall, point.function, point.library, point.caller.object,
                         point.caller.symbol, point.caller.offset);
}

}  // namespace

std::vector<Point> collect_points(const Trace& trace, Naming naming) {
  std::vector<Point> points;
  std::map<decltype(key_of(Point())), std::size_t> known;
  Namer namer(trace, naming);
  for (std::size_t i = 0; i < trace.syscalls.size(); i++) {
    Point point = point_of(trace, trace.syscalls[i]);
    const auto [place, is_new] = known.try_emplace(key_of(point), points.size());
    if (is_new) {
      point.name = namer.name(i);
      points.push_back(std::move(point));
    }
    points[place->second].times++;
  }
  return points;
}

bool is_at(const Trace& trace, const Syscall& syscall, const Point& point) {
  return key_of(point_of(trace, syscall)) == key_of(point);
}

std::string point_text(const Point& point) {
  if (point.function.empty()) return point.syscall;
  return fmt::format("{} in {} from {}", point.syscall, point.function, place_text(point.caller));
}

}  // namespace wc::explore
