#include "model/forecast/new_key_trial.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "data_preprocessing/document/json.hpp"
#include "model/forecast/cold_start.hpp"
#include "model/forecast/metric_texts.hpp"

namespace forkcast::model {
namespace {

using nlohmann::ordered_json;

/// All rules beside each other.
class Trial {
 public:
  Trial(const ForecastData& data, const TrainingPlan& plan, std::span<const ColdStart> rules)
      : data_(data), plan_(plan), rules_(rules), values_(rules.size()) {
    for (const ColdStartSpec& one : plan.cold_starts) {
      found.rules.push_back({.name = NameOf(one)});
    }
  }

  void Add(std::uint32_t key, PeriodRange periods) {
    ++found.keys;
    const std::int64_t first = data_.grid().FirstPeriod(key);
    const auto horizon = static_cast<std::int64_t>(data_.horizon());
    const std::vector<preprocessing::Value> key_values = data_.grid().KeyValues(key);
    for (std::int64_t origin = first - 1; origin < first + horizon; ++origin) {
      for (std::int64_t step = 1; step <= horizon && origin + step <= periods.last; ++step) {
        const double actual = data_.ValueIn(key, origin + step);
        if (std::isnan(actual)) continue;
        for (std::size_t i = 0; i < rules_.size(); ++i) {
          values_[i] = plan_.output.Apply(
              rules_[i].Forecast(key, key_values, origin, static_cast<std::size_t>(step)).value);
        }
        Judge(actual, origin < first ? &NewKeyTrial::Rule::before : &NewKeyTrial::Rule::after);
      }
    }
  }

  NewKeyTrial found;

 private:
  void Judge(double actual, ErrorSums NewKeyTrial::Rule::*sums) {
    if (std::ranges::any_of(values_, [](double value) { return std::isnan(value); })) return;
    for (std::size_t i = 0; i < values_.size(); ++i) {
      (found.rules[i].*sums).Add(actual, values_[i]);
    }
  }

  const ForecastData& data_;
  const TrainingPlan& plan_;
  std::span<const ColdStart> rules_;
  std::vector<double> values_;  // by rule
};

}  // namespace

ordered_json ToJson(const NewKeyTrial& trial) {
  ordered_json rules = ordered_json::array();
  for (const NewKeyTrial::Rule& rule : trial.rules) {
    rules.push_back({{"rule", rule.name},
                     {"without_a_past", MetricsJson(rule.before)},
                     {"with_some", MetricsJson(rule.after)}});
  }
  return {{"keys", trial.keys}, {"rules", std::move(rules)}};
}

Result<NewKeyTrial> TryOnNewKeys(const ForecastData& data, const TrainingPlan& plan,
                                 std::span<const std::uint32_t> keys, PeriodRange periods) {
  std::vector<ColdStart> rules;
  for (const ColdStartSpec& one : plan.cold_starts) {
    Result<ColdStart> rule =
        ColdStart::Make(one, data.spec(), data.snapshots(), data.grid(), data.column());
    if (!rule) return std::move(rule).error();
    rules.push_back(*std::move(rule));
  }
  Trial trial(data, plan, rules);
  const std::int64_t new_from = periods.first + static_cast<std::int64_t>(data.horizon());
  for (const std::uint32_t key : keys) {
    const std::int64_t first = data.grid().FirstPeriod(key);
    if (first >= new_from && first <= periods.last) trial.Add(key, periods);
  }
  return std::move(trial.found);
}

}  // namespace forkcast::model
