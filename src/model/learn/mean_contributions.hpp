#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "data_preprocessing/base/result.hpp"
#include "data_preprocessing/document/json.hpp"
#include "model/inputs/feature_table.hpp"
#include "model/inputs/model_inputs.hpp"
#include "model/predict/predictor.hpp"

namespace forkcast::model {

/// How large contributions to a model's scores are, on average and whatever their sign.
struct MeanContributions {
  struct Mean {
    std::string name;
    double size = 0;
  };
  ContributionScale scale{};
  std::size_t rows = 0;          ///< That were explained; 0: nothing is known.
  std::vector<Mean> features{};  ///< The largest first; of equal ones in the order of features.
  std::vector<Mean> groups{};    ///< Likewise; the size of their sum. Empty: there are none.
};

/// Adds up what rows are made of, whichever models they are explained by.
class ContributionSums {
 public:
  /// `groups`: of each of the pipeline's features; both outlive the object.
  ContributionSums(const ModelInputs& inputs, std::span<const std::string> groups);

  /// Explains a row of `table`, whose columns are the inputs'. As Predictor::Encode().
  /// Precondition: predictor.explainer() != nullptr.
  Status Add(const Predictor& predictor, const FeatureTable& table, std::uint32_t row);
  [[nodiscard]] MeanContributions Means() const;

 private:
  ContributionScale scale_;
  const ModelInputs& inputs_;
  std::vector<std::string> groups_;    // each once
  std::vector<std::size_t> group_of_;  // by input
  std::size_t rows_ = 0;
  std::vector<double> by_feature_;
  std::vector<double> by_group_;
  // Of the row at hand.
  Explanation explanation_;
  std::vector<double> outputs_;
  std::vector<double> of_groups_;
};

/// So many of `count` rows are explained, at most: what the explainers of a report may cost.
[[nodiscard]] std::size_t RowsToExplain(const Explainer& explainer, std::size_t count) noexcept;
/// `wanted` of the numbers 0 .. count - 1, by chance, ascending. The same seed gives the same.
[[nodiscard]] std::vector<std::size_t> DrawRows(std::size_t count, std::size_t wanted,
                                                std::uint32_t seed);

/// {"scale", "rows", "features": {NAME: mean, ...}, "groups": {...}}; null without rows.
[[nodiscard]] nlohmann::ordered_json ToJson(const MeanContributions& means);
/// A table of the largest, or of the groups where there are some; empty without rows.
[[nodiscard]] std::string Describe(const MeanContributions& means);
/// A part of a page; empty without rows.
[[nodiscard]] std::string ContributionSection(const MeanContributions& means);

}  // namespace forkcast::model
