#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "data_preprocessing/features/feature_spec.hpp"
#include "data_preprocessing/table/value.hpp"
#include "model/predict/explanation.hpp"
#include "serving/wire/explanation.hpp"

namespace forkcast::serving {

/// Where `?explain=true` does not say how many.
inline constexpr std::size_t kUsuallyExplained = 10;
inline constexpr std::size_t kMostExplained = 1000;

/// What a model's score of a line is made of.
struct ExplainedScore {
  double base = 0;
  double score = 0;
  std::span<const double> contributions;  ///< By the pipeline's features.
  std::string_view of{};                  ///< As wire::Explanation.
};

/// Tells the reasons of lines by the names, values and groups of a pipeline's features. Holds
/// scratch memory: one object a thread.
class ExplainedFeatures {
 public:
  /// `groups`: of each feature; both outlive the object.
  ExplainedFeatures(std::span<const preprocessing::FeatureSpec> features,
                    std::span<const std::string> groups, model::ContributionScale scale);

  /// Appends a line's explanation: its `count` largest contributions, none of 0, with the features'
  /// `values`, the largest first (of equal ones in the order of features), and all of them by
  /// group.
  void Append(const ExplainedScore& score, std::span<const preprocessing::Value> values,
              std::size_t count, std::string& out);

 private:
  std::span<const preprocessing::FeatureSpec> features_;
  model::ContributionScale scale_;
  std::vector<std::string_view> groups_;  // each once; empty where no feature has one
  std::vector<std::size_t> group_of_;     // by feature
  // Scratch.
  std::vector<std::size_t> order_;
  wire::Explanation explanation_;
};

}  // namespace forkcast::serving
