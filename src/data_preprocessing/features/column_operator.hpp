#pragma once

#include <cstddef>
#include <memory>
#include <type_traits>
#include <utility>

#include "data_preprocessing/features/feature_declaration.hpp"

namespace forkcast::preprocessing {

/// Of an operator that has no period to name.
struct NamesNoPeriod {
  template <typename View, typename Name>
  void operator()(const View&, const Name&) const noexcept {}
};

/// An operator that is a function of one value column of a series with `aggregate`, which most are.
/// `View`: SeriesView for what had happened, PlanView for what is known in advance. `function(view,
/// column)` gives the number; one that is not finite is missing. `needs(view, name)` calls
/// `name(back)` for each period before period 0 that the number is computed from.
template <typename View, typename Function, typename Needs>
class ColumnOperator final : public FeatureOperator {
 public:
  ColumnOperator(SeriesColumn from, Function function, Needs needs) noexcept
      : from_(from), function_(std::move(function)), needs_(std::move(needs)) {}

  [[nodiscard]] Value Compute(const RowContext& row) const noexcept override {
    return ToFeature(function_(ViewIn(row), from_.column));
  }
  void AddNeeds(const RowContext& row, FeatureNeeds& needs) const override {
    needs_(ViewIn(row), [&](PeriodIndex back) {
      needs.past.push_back({from_.read, from_.column, back});
    });
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
  Needs needs_;
};

/// What the reader of such an operator returns.
template <typename View, typename Function, typename Needs = NamesNoPeriod>
[[nodiscard]] DeclaredOperator OfColumn(SeriesColumn from, Function function, Needs needs = {}) {
  return {std::make_unique<ColumnOperator<View, Function, Needs>>(from, std::move(function),
                                                                  std::move(needs)),
          ColumnType::kDouble};
}

}  // namespace forkcast::preprocessing
