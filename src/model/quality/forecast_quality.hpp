#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "data_preprocessing/series/period.hpp"
#include "data_preprocessing/table/value.hpp"
#include "model/evaluate/intervals.hpp"
#include "model/forecast/forecast_data.hpp"
#include "model/quality/quality_decision.hpp"

namespace forkcast::model {

/// A forecast that somebody was told.
struct MadeForecast {
  std::span<const preprocessing::Value> key;  ///< As the series' key columns.
  preprocessing::PeriodIndex target = 0;
  std::int64_t step = 1;
  double value = 0;
  std::span<const PredictionInterval> intervals{};  ///< One of each level; NaN where none was told.
  bool cold_start = false;
};

/// Forecasts beside what happened. Each key, period and step counts once, by the forecast that was
/// added last; what happened is what is known of it by now. Those of periods that the version had
/// learned from say nothing of it and are left out, as are a cold start's, which are not its own.
class ForecastQuality {
 public:
  struct Data {
    const ForecastData& data;  ///< What is known by now; outlives the object.
    preprocessing::PeriodIndex last_learned = 0;
    std::span<const double> levels{};  ///< Of the version's intervals; outlive the object.
  };
  explicit ForecastQuality(const Data& data) : data_(data) {}

  /// In the order in which they were told.
  void Add(const MadeForecast& forecast);

  /// Windows of `length` periods, from the first one behind what was learned from; those without
  /// rows are left out, and those whose last period has no values yet.
  [[nodiscard]] std::vector<QualityWindow> Windows(std::size_t length);
  /// Forecasts that are in no window, by reason. To be asked after Windows().
  [[nodiscard]] const std::map<std::string_view, std::uint64_t>& left_out() const noexcept {
    return left_out_;
  }

 private:
  struct Joined {
    preprocessing::PeriodIndex target = 0;
    std::uint32_t key = 0;
    std::int64_t step = 1;
    double forecast = 0;
    std::vector<PredictionInterval> intervals{};
  };
  void KeepLast();
  [[nodiscard]] QualityWindow Measure(std::span<const Joined> rows,
                                      preprocessing::PeriodIndex first, std::size_t length) const;

  void MeasureCoverage(std::span<const Joined> rows, QualityWindow& window) const;

  Data data_;
  std::vector<Joined> joined_;
  std::map<std::string_view, std::uint64_t> left_out_;
};

}  // namespace forkcast::model
