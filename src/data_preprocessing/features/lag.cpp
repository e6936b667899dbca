#include <algorithm>

#include "data_preprocessing/features/column_operator.hpp"

namespace forkcast::preprocessing {
namespace {

/// y(-back) of many rows.
struct LagsTogether {
  std::size_t back = 0;

  template <typename View, typename Function>
  void operator()(const SeriesViews& views, std::size_t column, const Function&,
                  std::span<double> numbers) const noexcept {
    const std::span<const double> values = views.Values(column);
    for (std::size_t row = 0; row < numbers.size(); ++row) {
      const std::size_t seen = views.SeenBy(row);
      numbers[row] = back < seen ? FiniteOrMissing(values[seen - 1 - back]) : kMissingNumber;
    }
  }
};

}  // namespace

/// y(1 - periods).
DeclaredOperator ReadLag(FeatureDeclaration& declaration) {
  declaration.node().RequireObject(
      {"name", "op", "series", "value", "key", "periods", "at", "missing"});
  const SeriesColumn from = declaration.GridValue().from;
  const int back = declaration.Periods("periods") - 1;
  return OfColumn<SeriesView>(
      from,
      [back](const SeriesView& view, std::size_t column) noexcept {
        return view.Back(column, back);
      },
      [back](const SeriesView&, const auto& name) { name(back); },
      LagsTogether{static_cast<std::size_t>(back)});
}

/// y(1 - lag) - y(1 - lag - periods).
DeclaredOperator ReadDifference(FeatureDeclaration& declaration) {
  declaration.node().RequireObject(
      {"name", "op", "series", "value", "key", "periods", "lag", "at", "missing"});
  const SeriesColumn from = declaration.GridValue().from;
  const int periods = declaration.Periods("periods");
  const int back = declaration.Periods("lag", 1) - 1;
  return OfColumn<SeriesView>(
      from,
      [back, periods](const SeriesView& view, std::size_t column) noexcept {
        return view.Back(column, back) - view.Back(column, back + periods);
      },
      [back, periods](const SeriesView&, const auto& name) {
        name(back);
        name(back + periods);
      });
}

/// y(h - j season), where j is the least number that does not lead behind y(0), plus seasons - 1.
DeclaredOperator ReadSeasonalLag(FeatureDeclaration& declaration) {
  declaration.node().RequireObject(
      {"name", "op", "series", "value", "key", "season", "seasons", "missing"});
  const SeriesColumn from = declaration.GridValue().from;
  const int season = declaration.Periods("season");
  const int more = declaration.Periods("seasons", 1) - 1;
  const auto back = [season, more](const SeriesView& view) noexcept {
    const PeriodIndex ahead = view.target_period() - view.period();
    // A target that has passed is no target: its own value is never read, so at least one season
    // lies between.
    const PeriodIndex least = (std::max<PeriodIndex>(1, ahead) + season - 1) / season;
    return (least + more) * season - ahead;
  };
  return OfColumn<SeriesView>(
      from,
      [back](const SeriesView& view, std::size_t column) noexcept {
        return view.Back(column, back(view));
      },
      [back](const SeriesView& view, const auto& name) { name(back(view)); });
}

/// h: how many periods the target is ahead of the last known one.
DeclaredOperator ReadStep(FeatureDeclaration& declaration) {
  declaration.node().RequireObject({"name", "op", "series", "value", "key", "missing"});
  return OfColumn<SeriesView>(declaration.GridValue().from,
                              [](const SeriesView& view, std::size_t column) noexcept {
                                if (view.Past(column).empty()) return kMissingNumber;
                                return static_cast<double>(view.target_period() - view.period());
                              });
}

}  // namespace forkcast::preprocessing
