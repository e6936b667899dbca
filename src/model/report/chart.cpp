#include "model/report/chart.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <iterator>

#include "model/report/report_parts.hpp"

namespace forkcast::model {
namespace {

using nlohmann::ordered_json;

constexpr double kWidth = 860;
constexpr double kHeight = 260;
constexpr double kMargin = 56;

struct Axis {
  double least = 0;
  double greatest = 1;
  [[nodiscard]] double At(double value, double from, double to) const {
    return from + (value - least) / (greatest - least) * (to - from);
  }
};

struct Axes {
  Axis x{.least = HUGE_VAL, .greatest = -HUGE_VAL};
  Axis y{.least = 0, .greatest = 0};

  [[nodiscard]] double Left(double value) const { return x.At(value, kMargin, kWidth - 8); }
  [[nodiscard]] double Top(double value) const { return y.At(value, kHeight - 28, 12); }
};

/// Those that hold all points; x is empty without any.
Axes AxesOf(const Chart& chart) {
  Axes axes;
  for (const ChartLine& line : chart.lines) {
    for (const ChartPoint& point : line.points) {
      if (!std::isfinite(point.y)) continue;
      axes.x = {std::min(axes.x.least, point.x), std::max(axes.x.greatest, point.x)};
      axes.y = {std::min(axes.y.least, point.y), std::max(axes.y.greatest, point.y)};
    }
  }
  if (axes.x.least == axes.x.greatest) axes.x = {axes.x.least - 1, axes.x.greatest + 1};
  if (axes.y.least == axes.y.greatest) axes.y.greatest = axes.y.least + 1;
  return axes;
}

std::string_view ClassOf(ChartLine::Ink ink) {
  switch (ink) {
    case ChartLine::Ink::kActual:
      return "actual";
    case ChartLine::Ink::kModel:
      return "model";
    case ChartLine::Ink::kBaseline:
      return "baseline";
    case ChartLine::Ink::kLevel:
      return "level";
  }
  return "";
}

std::string Shown(double value) {
  if (std::abs(value) >= 10000) return fmt::format("{:.3g}k", value / 1000);
  return fmt::format("{:.3g}", value);
}

std::string LabelAt(const Chart& chart, double x) {
  if (chart.labels.empty()) return Shown(x);
  const auto number = std::llround(x);
  if (number < 0 || number >= std::ssize(chart.labels)) return {};
  return chart.labels[static_cast<std::size_t>(number)];
}

void AddGrid(const Chart& chart, const Axes& axes, std::string& svg) {
  constexpr int kGridLines = 4;
  for (int i = 0; i <= kGridLines; ++i) {
    const double value = axes.y.least + (axes.y.greatest - axes.y.least) * i / kGridLines;
    fmt::format_to(std::back_inserter(svg),
                   "<line class=\"grid\" x1=\"{0}\" x2=\"{1}\" y1=\"{2:.1f}\" y2=\"{2:.1f}\"/>"
                   "<text x=\"{3}\" y=\"{4:.1f}\" text-anchor=\"end\">{5}</text>\n",
                   kMargin, kWidth - 8, axes.Top(value), kMargin - 6, axes.Top(value) + 4,
                   Shown(value));
  }
  const auto& [least, greatest] = axes.x;
  for (const double x : {least, (least + greatest) / 2, greatest}) {
    const char* const anchor = x == least ? "start" : x == greatest ? "end" : "middle";
    fmt::format_to(std::back_inserter(svg),
                   "<text x=\"{:.1f}\" y=\"{}\" text-anchor=\"{}\">{}</text>\n", axes.Left(x),
                   kHeight - 8, anchor, EscapeHtml(LabelAt(chart, x)));
  }
}

void AddLine(const ChartLine& line, const Axes& axes, std::string& svg) {
  const std::string_view ink = ClassOf(line.ink);
  std::string path;
  bool pen_down = false;
  for (const ChartPoint& point : line.points) {
    if (!std::isfinite(point.y)) {
      pen_down = false;
      continue;
    }
    const double left = axes.Left(point.x);
    const double top = axes.Top(point.y);
    if (line.has_dots) {
      fmt::format_to(std::back_inserter(svg),
                     "<circle class=\"{}\" cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"2.5\"/>\n", ink, left,
                     top);
    } else {
      fmt::format_to(std::back_inserter(path), "{}{:.1f} {:.1f}", pen_down ? "L" : "M", left, top);
      pen_down = true;
    }
  }
  if (path.empty()) return;
  fmt::format_to(std::back_inserter(svg), "<path class=\"{}\" d=\"{}\"/>\n", ink, path);
}

std::string Figure(const Chart& chart, const std::string& numbers) {
  const Axes axes = AxesOf(chart);
  if (axes.x.least > axes.x.greatest) return "<p>Nothing to show.</p>\n";
  std::string figure =
      fmt::format("<figure><svg viewBox=\"0 0 {} {}\" role=\"img\" aria-label=\"{}\">\n", kWidth,
                  kHeight, EscapeHtml(chart.title));
  AddGrid(chart, axes, figure);
  for (const ChartLine& line : chart.lines) AddLine(line, axes, figure);
  figure += "</svg><figcaption>";
  for (const ChartLine& line : chart.lines) {
    fmt::format_to(std::back_inserter(figure), "<span class=\"{}\">{}</span> ", ClassOf(line.ink),
                   EscapeHtml(line.name));
  }
  return fmt::format("{}</figcaption>{}</figure>\n", figure, numbers);
}

ordered_json NumbersOf(const Chart& chart) {
  ordered_json lines = ordered_json::array();
  for (const ChartLine& line : chart.lines) {
    std::vector<double> x;
    std::vector<double> y;
    for (const ChartPoint& point : line.points) {
      x.push_back(point.x);
      y.push_back(point.y);
    }
    lines.push_back({{"name", line.name},
                     {"ink", ClassOf(line.ink)},
                     {"dots", line.has_dots},
                     {"x", Terse(x)},
                     {"y", Terse(y)}});
  }
  return {{"title", chart.title}, {"labels", chart.labels}, {"lines", std::move(lines)}};
}

}  // namespace

std::string Picture(const Chart& chart) { return Figure(chart, {}); }

std::string InteractiveChart(const Chart& chart) {
  return Figure(chart, ScriptOf(NumbersOf(chart), {}));
}

std::string Terse(double value) {
  if (!std::isfinite(value)) return {};
  std::string text = fmt::format("{:.4g}", value);
  constexpr double kShorterWithoutExponent = 1e7;
  if (text.find('e') != std::string::npos && std::abs(value) >= 1 &&
      std::abs(value) < kShorterWithoutExponent) {
    text = fmt::format("{:.0f}", std::strtod(text.c_str(), nullptr));
  }
  const std::size_t zero = text.starts_with("-") ? 1 : 0;
  if (text.compare(zero, 2, "0.") == 0) text.erase(zero, 1);
  return text;
}

std::string Terse(const std::vector<double>& values) {
  std::string text;
  for (const double value : values) text += Terse(value) + ",";
  if (!text.empty()) text.pop_back();
  return text;
}

std::string ScriptOf(const ordered_json& document, std::string_view id) {
  std::string script = fmt::format("<script type=\"application/json\"{}>",
                                   id.empty() ? "" : fmt::format(" id=\"{}\"", id));
  // "</script>" or "<!--" in a name would end the element; in JSON's strings each may be written
  // so.
  for (const char c : preprocessing::DumpText(document)) {
    if (c == '<') {
      script += "\\u003c";
    } else {
      script += c;
    }
  }
  return script + "</script>";
}

}  // namespace forkcast::model
