#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "data_preprocessing/document/json.hpp"

namespace forkcast::model {

/// A point of a line; y = NaN leaves a gap.
struct ChartPoint {
  double x = 0;
  double y = 0;
};

/// One line of a chart. Its ink is a colour of the page's style, which has one for the light and
/// one for the dark.
struct ChartLine {
  enum class Ink { kActual, kModel, kBaseline, kLevel };

  std::string name;
  Ink ink = Ink::kActual;
  bool has_dots = false;  ///< Points alone, not joined.
  std::vector<ChartPoint> points;
};

struct Chart {
  std::string title;  ///< For those who cannot see it.
  /// What x = 0, 1, ... are called; empty: x are numbers.
  std::vector<std::string> labels;
  std::vector<ChartLine> lines;
};

/// The chart as a picture (SVG) with a legend; y begins at 0 unless values are below it.
/// "Nothing to show." without a point.
[[nodiscard]] std::string Picture(const Chart& chart);
/// The same, with the numbers behind it, from which the page's script makes a chart to zoom in.
[[nodiscard]] std::string InteractiveChart(const Chart& chart);

/// A number in four digits and as few characters as JavaScript reads: "12340", ".5"; empty for one
/// that is not finite.
[[nodiscard]] std::string Terse(double value);
/// The numbers one behind the other, between commas: "1,,3".
[[nodiscard]] std::string Terse(const std::vector<double>& values);

/// A document as the text of a script element; `id`: empty for none.
[[nodiscard]] std::string ScriptOf(const nlohmann::ordered_json& document, std::string_view id);

}  // namespace forkcast::model
