// The bar chart. Coordinates are pixels of an image of fixed width; browsers scale it.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/xml.h"
#include "compare/reports.h"

namespace wc::compare {
namespace {

constexpr double kWidth = 1000;
constexpr double kLeft = 262;   // where the axis begins; names stand left of it
constexpr double kRight = 150;  // for the figures behind the longest bar
constexpr double kTop = 104;    // title, facts, legend
constexpr double kRowHeight = 34;
constexpr double kBarHeight = 18;
constexpr double kBottom = 56;  // ticks and the axis' name
constexpr double kFactHeight = 17;
constexpr std::size_t kNameLength = 36;  // characters that fit beside the axis
constexpr std::size_t kTitleLength = 96;
constexpr std::size_t kFactLength = 150;
constexpr std::size_t kTroubleLength = 96;

struct Look {
  Kind kind;
  std::string_view name;  // of its class
  std::string_view legend;
};

constexpr Look kLooks[] = {{Kind::Scoped, "scoped", "wc-preload, scoped"},
                           {Kind::Process, "process", "wc-preload, full process"},
                           {Kind::Peer, "peer", "other tools"}};

// Colours of both themes have a contrast of at least 4.5 to their background.
constexpr std::string_view kStyle = R"(
  .wc { --paper: #ffffff; --ink: #1f2328; --soft: #59636e; --grid: #d9dee3; --native: #818b98;
        --scoped: #0969da; --process: #8250df; --peer: #bc4c00; --trouble: #cf222e; }
  @media (prefers-color-scheme: dark) {
    .wc { --paper: #0d1117; --ink: #e6edf3; --soft: #9198a1; --grid: #2f353d; --native: #8b949e;
          --scoped: #4c9bf5; --process: #ab7df8; --peer: #f0883e; --trouble: #ff7b72; } }
  .wc text { font-family: system-ui, 'DejaVu Sans', sans-serif; font-size: 13px; fill: var(--ink);
             paint-order: stroke; stroke: var(--paper); stroke-width: 3px; stroke-linejoin: round; }
  .wc .paper { fill: var(--paper); }
  .wc .title { font-size: 17px; font-weight: 600; }
  .wc .soft { fill: var(--soft); font-size: 12px; }
  .wc .trouble { fill: var(--trouble); font-size: 12px; }
  .wc .grid { stroke: var(--grid); stroke-width: 1; }
  .wc .base { stroke: var(--native); stroke-width: 1.5; }
  .wc .whisker { stroke: var(--ink); stroke-width: 1.5; }
  .wc .scoped { fill: var(--scoped); }
  .wc .process { fill: var(--process); }
  .wc .peer { fill: var(--peer); }
)";

std::string shortened(const std::string& text, std::size_t most) {
  if (text.size() <= most) return text;
  std::size_t end = most - 3;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) end--;
  return text.substr(0, end) + "...";
}

// 1, 2, 5, 10, 20, ... up and down.
std::vector<double> ticks_between(double low, double high) {
  std::vector<double> ticks;
  const int first = static_cast<int>(std::floor(std::log10(low)));
  const int last = static_cast<int>(std::ceil(std::log10(high)));
  for (int power = first; power <= last; power++) {
    for (const double step : {1.0, 2.0, 5.0}) {
      const double tick = step * std::pow(10.0, power);
      if (tick >= low * 0.999 && tick <= high * 1.001) ticks.push_back(tick);
    }
  }
  return ticks;
}

// The logarithmic axis: from below the smallest value to a tick above the largest.
class Axis {
 public:
  explicit Axis(const Report& report) {
    for (const Line& line : report.lines) {
      if (!line.trouble.empty() || !line.figures.times) continue;
      low_ = std::min(low_, line.figures.times->low);
      high_ = std::max(high_, line.figures.times->high);
    }
    low_ = low_ < 0.97 ? round_down(low_) : 1;
    high_ = round_up(std::max(high_, 2.0));
  }
  [[nodiscard]] double x(double value) const {
    const double share = std::log(std::max(value, low_) / low_) / std::log(high_ / low_);
    return kLeft + share * (kWidth - kLeft - kRight);
  }
  // No more than have room for their numbers.
  [[nodiscard]] std::vector<double> ticks() const {
    std::vector<double> all = ticks_between(low_, high_);
    constexpr std::size_t kMost = 13;
    if (all.size() <= kMost) return all;
    const auto is_between = [](double tick) {
      const double power = std::log10(tick);
      return std::abs(power - std::round(power)) > 1e-6;
    };
    all.erase(std::remove_if(all.begin(), all.end(), is_between), all.end());
    return all;
  }

 private:
  static double round_down(double value) { return ticks_between(value / 10, value).back(); }
  static double round_up(double value) { return ticks_between(value, value * 10).front(); }
  double low_ = 1;
  double high_ = 1;
};

std::string tick_text(double tick) {
  return tick >= 1000 ? fmt::format("{:g},000x", tick / 1000) : fmt::format("{:g}x", tick);
}

std::string text_at(double x, double y, std::string_view look, std::string_view anchor,
                    const std::string& text) {
  return fmt::format(R"(<text class="{}" x="{:.1f}" y="{:.1f}" text-anchor="{}">{}</text>)", look,
                     x, y, anchor, xml_escaped(text)) +
         "\n";
}

std::string line_between(double x1, double y1, double x2, double y2, std::string_view look) {
  return fmt::format(R"(<line class="{}" x1="{:.1f}" y1="{:.1f}" x2="{:.1f}" y2="{:.1f}"/>)"
                     "\n",
                     look, x1, y1, x2, y2);
}

class Chart {
 public:
  explicit Chart(const Report& report)
      : report_(report),
        axis_(report),
        top_(kTop + kFactHeight * static_cast<double>(report.facts.size())) {}

  std::string text() {
    bottom_ = top_ + kRowHeight * static_cast<double>(report_.lines.size());
    const double height = bottom_ + kBottom;
    out_ = fmt::format(
        R"(<svg class="wc" xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {0:g} {1:g}" width="{0:g}" height="{1:g}" role="img">)"
        "\n<title>{2}</title>\n<style>{3}</style>\n"
        R"(<rect class="paper" width="{0:g}" height="{1:g}"/>)"
        "\n",
        kWidth, height, xml_escaped(report_.title), kStyle);
    head();
    grid();
    double y = top_;
    for (const Line& line : report_.lines) {
      row(line, y);
      y += kRowHeight;
    }
    out_ += "</svg>\n";
    return std::move(out_);
  }

 private:
  void head() {
    out_ += text_at(20, 34, "title", "start", shortened(report_.title, kTitleLength));
    double y = 56;
    for (const std::string& fact : report_.facts) {
      out_ += text_at(20, y, "soft", "start", shortened(fact, kFactLength));
      y += kFactHeight;
    }
    double x = 20;
    for (const Look& look : kLooks) {
      const auto is_it = [&](const Line& line) { return line.kind == look.kind; };
      if (std::none_of(report_.lines.begin(), report_.lines.end(), is_it)) continue;
      out_ += fmt::format(R"(<rect class="{}" x="{:g}" y="{:g}" width="12" height="12" rx="2"/>)"
                          "\n",
                          look.name, x, y + 4);
      out_ += text_at(x + 18, y + 15, "", "start", std::string(look.legend));
      x += 42 + 7.2 * static_cast<double>(look.legend.size());
    }
  }

  void grid() {
    for (const double tick : axis_.ticks()) {
      const double x = axis_.x(tick);
      out_ += line_between(x, top_, x, bottom_, std::abs(tick - 1) < 1e-9 ? "base" : "grid");
      out_ += text_at(x, bottom_ + 18, "soft", "middle", tick_text(tick));
    }
    const char* const what =
        report_.better == measure::Better::More
            ? "times slower than native: native's figure over this one's "
              "(median, quartiles), logarithmic; shorter is better"
            : "times native (median, quartiles), logarithmic; shorter is better";
    out_ += text_at((kLeft + kWidth - kRight) / 2, bottom_ + 40, "soft", "middle", what);
  }

  void row(const Line& line, double y) {
    const double middle = y + kRowHeight / 2;
    out_ += "<g>\n<title>" + xml_escaped(tip(line)) + "</title>\n";
    out_ += text_at(kLeft - 12, middle + 4.5, "", "end", shortened(line.name, kNameLength));
    if (!line.trouble.empty()) {
      out_ += text_at(kLeft + 8, middle + 4.5, "trouble", "start",
                      shortened(line.trouble, kTroubleLength));
    } else if (line.kind == Kind::Native) {
      out_ += text_at(axis_.x(1) + 8, middle + 4.5, "soft", "start", native_text(line));
    } else if (line.figures.times) {
      bar(line, *line.figures.times, middle);
    }
    out_ += "</g>\n";
  }

  void bar(const Line& line, const measure::Spread& times, double middle) {
    const auto* look = std::find_if(std::begin(kLooks), std::end(kLooks),
                                    [&](const Look& l) { return l.kind == line.kind; });
    const double from = std::min(axis_.x(1), axis_.x(times.median));
    const double to = std::max(axis_.x(1), axis_.x(times.median));
    out_ += fmt::format(
        R"(<rect class="{}" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:g}" rx="2"/>)"
        "\n",
        look->name, from, middle - kBarHeight / 2, std::max(1.5, to - from), kBarHeight);
    const double low = axis_.x(times.low), high = axis_.x(times.high);
    out_ += line_between(low, middle, high, middle, "whisker");
    out_ += line_between(low, middle - 4, low, middle + 4, "whisker");
    out_ += line_between(high, middle - 4, high, middle + 4, "whisker");
    const std::string seen =
        line.seen.events == 0 ? "no events" : "attributed: " + attribution(line.seen);
    const double x = std::max(to, high) + 8;
    out_ +=
        fmt::format(R"(<text x="{:.1f}" y="{:.1f}">{}<tspan class="soft" dx="8">{}</tspan></text>)"
                    "\n",
                    x, middle + 4.5, xml_escaped(number(times.median) + "x"), xml_escaped(seen));
  }

  [[nodiscard]] std::string native_text(const Line& line) const {
    if (!line.figures.figure) return "not measured";
    return "1x = " + with_unit(line.figures.figure->median, report_.unit);
  }

  [[nodiscard]] std::string tip(const Line& line) const {
    std::string text = line.name;
    if (!line.trouble.empty()) return text + ": " + line.trouble;
    if (line.figures.figure) text += ": " + with_unit(line.figures.figure->median, report_.unit);
    if (line.figures.times) {
      text += fmt::format("; {}x native ({} to {})", number(line.figures.times->median),
                          number(line.figures.times->low), number(line.figures.times->high));
    }
    if (line.kind != Kind::Native) text += fmt::format("; {} events", count_text(line.seen.events));
    return text;
  }

  const Report& report_;
  Axis axis_;
  double top_;
  double bottom_ = 0;
  std::string out_;
};

}  // namespace

std::string chart_svg(const Report& report) { return Chart(report).text(); }

}  // namespace wc::compare
