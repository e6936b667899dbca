#include "model/history/theta_method.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <utility>

#include "model/history/baseline_method.hpp"
#include "model/history/intact_history.hpp"
#include "model/history/seasonal_decomposition.hpp"
#include "model/history/theta.hpp"

namespace forkcast::model {
namespace {

using preprocessing::JsonNode;

constexpr std::size_t kLeastValues = 4;
/// level, alpha, theta; then the season.
constexpr std::size_t kParameters = 3;

/// A season as it is taken out of values.
struct Season {
  Seasonality kind = Seasonality::kMultiplicative;
  std::vector<double> indices;  ///< By phase; empty: there is none.

  [[nodiscard]] double Without(double value, std::size_t period) const {
    if (indices.empty()) return value;
    const double index = indices[period % indices.size()];
    return kind == Seasonality::kAdditive ? value - index : value / index;
  }
  [[nodiscard]] double With(double value, std::size_t period) const {
    if (indices.empty()) return value;
    const double index = indices[period % indices.size()];
    return kind == Seasonality::kAdditive ? value + index : value * index;
  }
};

/// What multiplies, unless values or factors are nearly 0 or less.
Season SeasonOf(std::span<const double> values, std::size_t season) {
  if (!IsSeasonal(values, season)) return {};
  constexpr double kLeastFactor = 0.01;
  if (*std::ranges::min_element(values) > 0) {
    std::vector<double> factors = SeasonalIndices(values, season, Seasonality::kMultiplicative);
    if (*std::ranges::min_element(factors) >= kLeastFactor) {
      return {.kind = Seasonality::kMultiplicative, .indices = std::move(factors)};
    }
  }
  return {.kind = Seasonality::kAdditive,
          .indices = SeasonalIndices(values, season, Seasonality::kAdditive)};
}

/// "Theta(standard)", with the season "Theta(standard,A)" or "Theta(standard,M)".
std::string FormOf(ThetaVariant variant, const Season& season) {
  if (season.indices.empty()) return fmt::format("Theta({})", ToString(variant));
  return fmt::format("Theta({},{})", ToString(variant),
                     season.kind == Seasonality::kAdditive ? "A" : "M");
}

class ThetaForecaster final : public SeriesForecaster {
 public:
  ThetaForecaster(const ThetaModel& model, Season season)
      : model_(model), season_(std::move(season)) {}

  void Forecast(std::span<const double> history, std::span<double> out,
                HistoryScratch& scratch) const override {
    const auto is_there = [](double value) { return !std::isnan(value); };
    if (std::ranges::none_of(history, is_there)) {
      std::ranges::fill(out, std::numeric_limits<double>::quiet_NaN());
      return;
    }
    const std::span<const double> intact = IntactHistory(history, scratch.history);
    std::vector<double>& values = scratch.state;
    values.resize(intact.size());
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = season_.Without(intact[i], i);
    ForecastTheta(model_, values, out);
    for (std::size_t i = 0; i < out.size(); ++i) out[i] = season_.With(out[i], values.size() + i);
  }

 private:
  ThetaModel model_;
  Season season_;
};

class ThetaMethod final : public HistoryMethod {
 public:
  ThetaMethod(ThetaVariant variant, std::size_t season) : variant_(variant), season_(season) {}

  [[nodiscard]] bool learns() const noexcept override { return true; }

  [[nodiscard]] LearnedSeries Learn(std::span<const double> history) const override {
    if (auto simpler = StandIn(history, kLeastValues)) return *std::move(simpler);
    std::vector<double> filled;
    const std::span<const double> intact = IntactHistory(history, filled);
    const Season season = SeasonOf(intact, season_);
    std::vector<double> values(intact.begin(), intact.end());
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = season.Without(values[i], i);
    const ThetaModel model = FitTheta(values, variant_);
    LearnedSeries learned{.form = FormOf(variant_, season),
                          .parameters = {model.level, model.alpha, model.theta}};
    learned.parameters.insert(learned.parameters.end(), season.indices.begin(),
                              season.indices.end());
    return learned;
  }

  [[nodiscard]] Result<std::unique_ptr<const SeriesForecaster>> Make(
      const LearnedSeries& learned) const override {
    if (auto simpler = MakeStandIn(learned)) return simpler;
    const std::span<const double> given = learned.parameters;
    if (given.size() != kParameters && given.size() != kParameters + season_) {
      return Error{ErrorCode::kCorrupt, "not the parameters of its form"};
    }
    Season season{.indices = {given.begin() + kParameters, given.end()}};
    if (learned.form != FormOf(variant_, season)) {
      season.kind = Seasonality::kAdditive;
      if (learned.form != FormOf(variant_, season)) {
        return Error{ErrorCode::kCorrupt, "not the form of its variant and parameters"};
      }
    }
    const ThetaModel model{
        .variant = variant_, .level = given[0], .alpha = given[1], .theta = given[2]};
    if (model.alpha <= 0 || model.theta < 1) {
      return Error{ErrorCode::kCorrupt, "not the parameters of its form"};
    }
    return std::unique_ptr<const SeriesForecaster>(new ThetaForecaster(model, std::move(season)));
  }

 private:
  ThetaVariant variant_;
  std::size_t season_;
};

}  // namespace

std::unique_ptr<const HistoryMethod> MakeTheta(const JsonNode& declaration) {
  declaration.RequireObject({"algorithm", "threads", "season", "variant"});
  constexpr std::int64_t kMostPeriods = 1000;
  const auto season = declaration.Find("season");
  ThetaVariant variant = ThetaVariant::kStandard;
  if (const auto given = declaration.Find("variant")) {
    const auto named = ParseThetaVariant(given->String());
    if (!named) given->Fail("expected standard, optimized, dynamic or dynamic_optimized");
    variant = *named;
  }
  return std::make_unique<const ThetaMethod>(
      variant, season ? static_cast<std::size_t>(season->Integer(1, kMostPeriods)) : 1);
}

}  // namespace forkcast::model
