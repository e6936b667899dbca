#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "data_preprocessing/document/json_node.hpp"

namespace forkcast::model {

/// Forecasts without a model, of one series' history alone.
enum class BaselineKind {
  kZero,           ///< 0.
  kNaive,          ///< The last value.
  kSeasonalNaive,  ///< The value j seasons before the target, with the smallest j that is known.
  kMovingAverage,  ///< The mean of the last periods.
  kRollingMedian,  ///< Their median.
  kHistoricMean,   ///< The mean of all values.
  kCroston,  ///< Croston 1972: smoothed size of demand over smoothed interval between demands.
  kSba,      ///< Syntetos and Boylan 2005: (1 - alpha / 2) times Croston.
  kTsb,      ///< Teunter, Syntetos and Babai 2011: smoothed size times smoothed share of demands.
  /// The median of the key's values in the periods that are like the target in features; of a
  /// walk-forward validation alone (forecast/table_baselines.hpp).
  kQuantileTable,
};

struct BaselineSpec {
  BaselineKind kind = BaselineKind::kNaive;
  std::size_t periods = 0;  ///< Season of kSeasonalNaive, window of kMovingAverage and
                            ///< kRollingMedian; that of kQuantileTable, where 0 is all periods.
  /// Of kSeasonalNaive: the last value where the history is too short, instead of none.
  bool falls_back_to_naive = false;
  /// Of kCroston and kSba, for sizes and intervals; of kTsb, for sizes and the share.
  double alpha = 0.1;
  std::vector<std::string> cells{};  ///< Of kQuantileTable: features, the coarsest first.

  friend bool operator==(const BaselineSpec&, const BaselineSpec&) = default;
};

/// "zero", "naive", "seasonal_naive_52", "moving_average_4", "rolling_median_4", "historic_mean",
/// "croston", "sba", "tsb", "quantile_table".
[[nodiscard]] std::string NameOf(const BaselineSpec& spec);
/// Reads "naive", "croston", ..., {"seasonal_naive": 52, "fallback": "naive"},
/// {"moving_average": 4}, {"rolling_median": 4}, {"croston": 0.1}, {"sba": 0.1} or {"tsb": 0.1}.
/// Throws SpecError.
[[nodiscard]] BaselineSpec ReadBaseline(const preprocessing::JsonNode& node);
/// An array of them, none twice; also {"quantile_table": ["day_of_week", "promo"], "window": 364}.
[[nodiscard]] std::vector<BaselineSpec> ReadBaselines(const preprocessing::JsonNode& node);

/// Why a baseline has no forecast.
enum class NoForecast {
  kNone,             ///< It has one.
  kHistoryTooShort,  ///< Fewer periods than the season or window.
  kValueMissing,     ///< Enough periods, but those it would read are all missing.
};
[[nodiscard]] std::string_view ToString(NoForecast reason) noexcept;

struct BaselineForecast {
  double value;  ///< NaN when there is none.
  NoForecast reason = NoForecast::kNone;
};

/// The forecast for the step-th period (1..) after the last of `history`: the values of one series
/// up to the origin, one a period, oldest first, NaN where missing.
/// - naive and moving averages leave missing values out: the last value is the last that is there;
/// - Croston and SBA count periods, missing ones left out, from the first of the history; demand is
/// what is
///   greater than 0; without any they forecast 0. So does TSB, whose share falls with every period
///   without demand;
/// O(1), O(periods), or O(history) for kHistoricMean, kCroston, kSba and kTsb. Allocates for
/// kRollingMedian.
/// Precondition: `spec` is no kQuantileTable.
[[nodiscard]] BaselineForecast ForecastBaseline(const BaselineSpec& spec,
                                                std::span<const double> history, std::size_t step);

}  // namespace forkcast::model
