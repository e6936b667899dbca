#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace forkcast::model {

/// What the two numbers of a row are called.
struct CalibrationWords {
  std::string_view said;     ///< "mean forecast"
  std::string_view came;     ///< "mean actual"
  std::string_view reading;  ///< A sentence: what a point below the line means.
};

/// Whether what is said to be high comes out high: rows (said, came) in groups of about one size by
/// what was said, and the means of both. Empty with too few rows for two groups.
[[nodiscard]] std::string CalibrationSection(std::vector<std::pair<double, double>> rows,
                                             const CalibrationWords& words);

}  // namespace forkcast::model
