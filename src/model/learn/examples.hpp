#pragma once

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "data_preprocessing/table/value.hpp"
#include "model/inputs/feature_table.hpp"

namespace forkcast::model {

/// Rows to learn from and to judge by, as far as they are alike for all kinds of pipelines.
struct Examples {
  explicit Examples(std::vector<FeatureColumnSpec> columns) : features(std::move(columns)) {}

  FeatureTable features;        ///< Those that the model sees.
  std::vector<double> weights;  ///< One a row, of the plan's weight feature; empty without one.
  std::size_t refused = 0;      ///< Rows left out, since a request with their values would have
  std::string first_refusal;    ///< been refused; why.

  /// Counts one more row that is left out; `why` is asked for the first alone.
  template <typename Why>
  void Refuse(const Why& why) {
    if (refused++ == 0) first_refusal = why();
  }
};

/// An int64 or a double as a double; NaN for a missing one.
[[nodiscard]] double NumberOf(const preprocessing::Value& value) noexcept;

}  // namespace forkcast::model
