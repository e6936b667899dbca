#include <algorithm>

#include "data_preprocessing/features/feature_declaration.hpp"

namespace forkcast::preprocessing {
namespace {

/// y(1 - periods).
class Lag final : public FeatureOperator {
 public:
  Lag(SeriesColumn from, int periods) noexcept : from_(from), back_(periods - 1) {}

  [[nodiscard]] Value Compute(const RowContext& row) const noexcept override {
    return ToFeature(row.reads[from_.read].Back(from_.column, back_));
  }
  void AddNeeds(const RowContext&, FeatureNeeds& needs) const override {
    needs.past.push_back({from_.read, from_.column, back_});
  }

 private:
  SeriesColumn from_;
  int back_;
};

/// y(1 - lag) - y(1 - lag - periods).
class Difference final : public FeatureOperator {
 public:
  Difference(SeriesColumn from, int periods, int lag) noexcept
      : from_(from), back_(lag - 1), periods_(periods) {}

  [[nodiscard]] Value Compute(const RowContext& row) const noexcept override {
    const SeriesView& view = row.reads[from_.read];
    return ToFeature(view.Back(from_.column, back_) - view.Back(from_.column, back_ + periods_));
  }
  void AddNeeds(const RowContext&, FeatureNeeds& needs) const override {
    needs.past.push_back({from_.read, from_.column, back_});
    needs.past.push_back({from_.read, from_.column, back_ + periods_});
  }

 private:
  SeriesColumn from_;
  int back_;
  int periods_;
};

/// y(h - j season), where j is the least number that does not lead behind y(0), plus seasons - 1.
class SeasonalLag final : public FeatureOperator {
 public:
  SeasonalLag(SeriesColumn from, int season, int seasons) noexcept
      : from_(from), season_(season), seasons_(seasons) {}

  [[nodiscard]] Value Compute(const RowContext& row) const noexcept override {
    const SeriesView& view = row.reads[from_.read];
    return ToFeature(view.Back(from_.column, BackFrom(view)));
  }
  void AddNeeds(const RowContext& row, FeatureNeeds& needs) const override {
    needs.past.push_back({from_.read, from_.column, BackFrom(row.reads[from_.read])});
  }

 private:
  [[nodiscard]] PeriodIndex BackFrom(const SeriesView& view) const noexcept {
    // From period 0 to the target. A target that has passed is no target: its own value is never
    // read, so at least one season lies between.
    const PeriodIndex ahead = std::max<PeriodIndex>(1, view.target_period() - view.period());
    const PeriodIndex seasons = (ahead + season_ - 1) / season_ + seasons_ - 1;
    return seasons * season_ - (view.target_period() - view.period());
  }

  SeriesColumn from_;
  int season_;
  int seasons_;
};

}  // namespace

DeclaredOperator ReadLag(FeatureDeclaration& declaration) {
  declaration.node().RequireObject(
      {"name", "op", "series", "value", "key", "periods", "at", "missing"});
  const SeriesColumn from = declaration.GridValue().from;
  return {std::make_unique<Lag>(from, declaration.Periods("periods")), ColumnType::kDouble};
}

DeclaredOperator ReadDifference(FeatureDeclaration& declaration) {
  declaration.node().RequireObject(
      {"name", "op", "series", "value", "key", "periods", "lag", "at", "missing"});
  const SeriesColumn from = declaration.GridValue().from;
  const int periods = declaration.Periods("periods");
  return {std::make_unique<Difference>(from, periods, declaration.Periods("lag", 1)),
          ColumnType::kDouble};
}

DeclaredOperator ReadSeasonalLag(FeatureDeclaration& declaration) {
  declaration.node().RequireObject(
      {"name", "op", "series", "value", "key", "season", "seasons", "missing"});
  const SeriesColumn from = declaration.GridValue().from;
  const int season = declaration.Periods("season");
  return {std::make_unique<SeasonalLag>(from, season, declaration.Periods("seasons", 1)),
          ColumnType::kDouble};
}

}  // namespace forkcast::preprocessing
