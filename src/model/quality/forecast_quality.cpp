#include "model/quality/forecast_quality.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <tuple>
#include <utility>

#include "model/evaluate/metrics.hpp"
#include "model/quality/jackknife.hpp"
#include "model/quality/quality_reference.hpp"

namespace forkcast::model {

using preprocessing::PeriodIndex;

namespace {

/// How many values lay inside their intervals.
class InsideSums {
 public:
  void Add(bool is_inside) noexcept {
    ++rows_;
    if (is_inside) ++inside_;
  }
  void Merge(const InsideSums& other) noexcept {
    rows_ += other.rows_;
    inside_ += other.inside_;
  }
  [[nodiscard]] std::uint64_t rows() const noexcept { return rows_; }
  [[nodiscard]] std::optional<double> Share() const noexcept {
    if (rows_ == 0) return std::nullopt;
    return static_cast<double>(inside_) / static_cast<double>(rows_);
  }

 private:
  std::uint64_t rows_ = 0;
  std::uint64_t inside_ = 0;
};

}  // namespace

void ForecastQuality::Add(const MadeForecast& forecast) {
  if (forecast.cold_start) {
    ++left_out_["cold_start"];
    return;
  }
  const std::optional<std::size_t> key = data_.data.grid().FindKey(forecast.key);
  if (!key) {
    ++left_out_["unknown_key"];
    return;
  }
  if (forecast.target <= data_.last_learned) {
    ++left_out_["learned_from"];
    return;
  }
  joined_.push_back({.target = forecast.target,
                     .key = static_cast<std::uint32_t>(*key),
                     .step = forecast.step,
                     .forecast = forecast.value,
                     .intervals = {forecast.intervals.begin(), forecast.intervals.end()}});
}

void ForecastQuality::KeepLast() {
  const auto place = [](const Joined& one) { return std::tuple(one.target, one.key, one.step); };
  std::ranges::stable_sort(joined_, {}, place);
  std::vector<Joined> kept;
  for (const Joined& one : joined_) {
    if (!kept.empty() && place(kept.back()) == place(one)) {
      kept.back() = one;
      ++left_out_["told_again"];
    } else {
      kept.push_back(one);
    }
  }
  joined_ = std::move(kept);
}

std::vector<QualityWindow> ForecastQuality::Windows(std::size_t length) {
  KeepLast();
  std::vector<QualityWindow> windows;
  const auto all = data_.data.grid().AllPeriods();
  const auto periods = static_cast<PeriodIndex>(length);
  const PeriodIndex begin = data_.last_learned + 1;
  auto row = joined_.begin();
  while (row != joined_.end()) {
    const PeriodIndex first = begin + (row->target - begin) / periods * periods;
    const auto end = std::ranges::find_if(
        row, joined_.end(), [&](const Joined& one) { return one.target >= first + periods; });
    if (!all || first + periods - 1 > all->last) {
      left_out_["open"] += static_cast<std::uint64_t>(joined_.end() - row);
      break;
    }
    QualityWindow window = Measure({row, end}, first, length);
    const auto asked = static_cast<std::uint64_t>(end - row);
    if (asked > window.rows) left_out_["no_value"] += asked - window.rows;
    if (window.rows > 0) windows.push_back(std::move(window));
    row = end;
  }
  return windows;
}

QualityWindow ForecastQuality::Measure(std::span<const Joined> rows, PeriodIndex first,
                                       std::size_t length) const {
  // Keys come one after the other in their numbers, so that groups are of about one size.
  std::array<ErrorSums, kJackknifeGroups> groups;
  ErrorSums all;
  for (const Joined& row : rows) {
    ErrorSums one;
    one.Add(data_.data.ValueIn(row.key, row.target), row.forecast);
    groups[row.key % kJackknifeGroups].Merge(one);
    all.Merge(one);
  }
  QualityWindow window{.rows = all.rows()};
  const preprocessing::Period period = data_.data.series().aggregate->period;
  preprocessing::AppendPeriodText(first, period, window.from);
  preprocessing::AppendPeriodText(first + static_cast<PeriodIndex>(length) - 1, period, window.to);
  const auto measure = [&](std::string_view name, const auto& value) {
    window.metrics.push_back({.name = std::string(name),
                              .value = value(all),
                              .variance = JackknifeVariance<ErrorSums>(groups, {}, value)});
  };
  for (const Metric metric : Metric::All()) {
    // It needs a scale of each series.
    if (metric == Metric("mase")) continue;
    measure(metric->name, [metric](const ErrorSums& sums) { return sums.Value(metric); });
  }
  measure(kRelativeBias, [](const ErrorSums& sums) { return sums.RelativeBias(); });
  MeasureCoverage(rows, window);
  return window;
}

void ForecastQuality::MeasureCoverage(std::span<const Joined> rows, QualityWindow& window) const {
  for (std::size_t level = 0; level < data_.levels.size(); ++level) {
    std::array<InsideSums, kJackknifeGroups> groups;
    InsideSums all;
    for (const Joined& row : rows) {
      const PredictionInterval& interval = row.intervals[level];
      const double actual = data_.data.ValueIn(row.key, row.target);
      if (std::isnan(actual) || std::isnan(interval.lower)) continue;
      groups[row.key % kJackknifeGroups].Add(interval.Contains(actual));
      all.Add(interval.Contains(actual));
    }
    const auto share = [](const InsideSums& sums) { return sums.Share(); };
    window.metrics.push_back({.name = CoverageName(data_.levels[level]),
                              .value = share(all),
                              .variance = JackknifeVariance<InsideSums>(groups, {}, share)});
  }
}

}  // namespace forkcast::model
