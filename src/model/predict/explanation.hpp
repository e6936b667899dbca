#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "model/explainer.hpp"

namespace forkcast::model {

/// The group of features that have none, where others do.
inline constexpr std::string_view kNoGroup = "other";

/// The name of the scale of a number that is answered as it was learned.
inline constexpr std::string_view kValueScale = "value";

/// In what a model's contributions add up.
struct ContributionScale {
  /// "value"; of a value that was transformed to be learned, the steps: "scale+log1p"; of classes
  /// "share", "log_odds" or "raw".
  std::string name;
  /// Whether a contribution c means a factor e^c: of 1 + value, of the odds, of a share.
  bool is_logarithmic = false;

  friend bool operator==(const ContributionScale&, const ContributionScale&) = default;
};

/// What one answer is made of. Keeps its memory for the next one; of one thread.
struct Explanation {
  double base = 0;
  double score = 0;                   ///< `base` and all contributions.
  std::vector<double> contributions;  ///< By the pipeline's features; 0 of what no model sees.
  std::string_view of;                ///< The class whose score it is; empty where there is none.

  ExplainScratch scratch{};
  std::vector<double> by_input{};
};

}  // namespace forkcast::model
