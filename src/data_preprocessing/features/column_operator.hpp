#pragma once

#include <cstddef>
#include <memory>
#include <type_traits>
#include <utility>

#include "data_preprocessing/features/feature_declaration.hpp"

namespace forkcast::preprocessing {

/// An operator that is a function of one value column of a series with `aggregate`, which most are.
/// `View`: SeriesView for what had happened, PlanView for what is known in advance. `function(view,
/// column)` gives the number; one that is not finite is missing.
template <typename View, typename Function>
class ColumnOperator final : public FeatureOperator {
 public:
  ColumnOperator(SeriesColumn from, Function function) noexcept
      : from_(from), function_(std::move(function)) {}

  [[nodiscard]] Value Compute(const RowContext& row) const noexcept override {
    return ToFeature(function_(ViewIn(row), from_.column));
  }

 private:
  [[nodiscard]] const View& ViewIn(const RowContext& row) const noexcept {
    if constexpr (std::is_same_v<View, PlanView>) {
      return row.plans[from_.read];
    } else {
      return row.reads[from_.read];
    }
  }

  SeriesColumn from_;
  Function function_;
};

/// What the reader of such an operator returns.
template <typename View, typename Function>
[[nodiscard]] DeclaredOperator OfColumn(SeriesColumn from, Function function) {
  return {std::make_unique<ColumnOperator<View, Function>>(from, std::move(function)),
          ColumnType::kDouble};
}

}  // namespace forkcast::preprocessing
