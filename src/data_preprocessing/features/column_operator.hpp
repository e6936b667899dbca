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

/// `function(view, column)` of each row.
struct EachRow {
  template <typename View, typename Function>
  void operator()(const SeriesViews& views, std::size_t column, const Function& function,
                  std::span<double> numbers) const noexcept {
    for (std::size_t row = 0; row < numbers.size(); ++row) {
      if constexpr (std::is_same_v<View, PlanView>) {
        numbers[row] = FiniteOrMissing(function(views.PlanAt(row), column));
      } else {
        numbers[row] = FiniteOrMissing(function(views.At(row), column));
      }
    }
  }
};

/// An operator that is a function of one value column of a series with `aggregate`, which most are.
/// `View`: SeriesView for what had happened, PlanView for what is known in advance. `function(view,
/// column)` gives the number; one that is not finite is missing. `needs(view, name)` calls
/// `name(back)` for each period before period 0 that the number is computed from.
/// `together.operator()<View>(views, column, function, numbers)` computes the numbers of many rows,
/// NaN for those that are not finite: an EachRow, or something that is faster and does the same.
template <typename View, typename Function, typename Needs, typename Together>
class ColumnOperator final : public FeatureOperator {
 public:
  ColumnOperator(SeriesColumn from, Function function, Needs needs, Together together) noexcept
      : from_(from),
        function_(std::move(function)),
        needs_(std::move(needs)),
        together_(std::move(together)) {}

  [[nodiscard]] Value Compute(const RowContext& row) const noexcept override {
    return ToFeature(function_(ViewIn(row), from_.column));
  }
  [[nodiscard]] bool ComputeColumn(const ColumnContext& context,
                                   std::span<double> numbers) const override {
    together_.template operator()<View>(context.reads[from_.read], from_.column, function_,
                                        numbers);
    return true;
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
  Together together_;
};

/// What the reader of such an operator returns.
template <typename View, typename Function, typename Needs = NamesNoPeriod,
          typename Together = EachRow>
[[nodiscard]] DeclaredOperator OfColumn(SeriesColumn from, Function function, Needs needs = {},
                                        Together together = {}) {
  using Operator = ColumnOperator<View, Function, Needs, Together>;
  return {
      std::make_unique<Operator>(from, std::move(function), std::move(needs), std::move(together)),
      ColumnType::kDouble};
}

}  // namespace forkcast::preprocessing
