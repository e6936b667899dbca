#include "model/evaluate/baselines.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <optional>
#include <utility>

namespace forkcast::model {

using preprocessing::JsonNode;

namespace {

constexpr std::array<std::pair<BaselineKind, std::string_view>, 10> kNames{
    {{BaselineKind::kZero, "zero"},
     {BaselineKind::kNaive, "naive"},
     {BaselineKind::kSeasonalNaive, "seasonal_naive"},
     {BaselineKind::kMovingAverage, "moving_average"},
     {BaselineKind::kRollingMedian, "rolling_median"},
     {BaselineKind::kHistoricMean, "historic_mean"},
     {BaselineKind::kCroston, "croston"},
     {BaselineKind::kSba, "sba"},
     {BaselineKind::kTsb, "tsb"},
     {BaselineKind::kQuantileTable, "quantile_table"}}};
constexpr std::size_t kMaxPeriods = 100'000;

bool CountsPeriods(BaselineKind kind) {
  return kind == BaselineKind::kSeasonalNaive || kind == BaselineKind::kMovingAverage ||
         kind == BaselineKind::kRollingMedian;
}
bool Smooths(BaselineKind kind) {
  return kind == BaselineKind::kCroston || kind == BaselineKind::kSba || kind == BaselineKind::kTsb;
}

std::string_view NameOf(BaselineKind kind) {
  return std::ranges::find(kNames, kind, &std::pair<BaselineKind, std::string_view>::first)->second;
}

/// {"quantile_table": ["day_of_week", "promo"], "window": 364}
BaselineSpec ReadTable(const JsonNode& node, const JsonNode& cells) {
  node.RequireObject({"quantile_table", "window"});
  BaselineSpec spec{.kind = BaselineKind::kQuantileTable, .cells = cells.Strings()};
  if (spec.cells.empty()) cells.Fail("expected at least one feature");
  if (const auto window = node.Find("window")) {
    spec.periods = static_cast<std::size_t>(window->Integer(1, kMaxPeriods));
  }
  return spec;
}

/// The member of `node` that names a baseline, as {kind, its value}.
std::pair<BaselineKind, JsonNode> ReadKind(const JsonNode& node) {
  for (const auto& [kind, name] : kNames) {
    if (!CountsPeriods(kind) && !Smooths(kind)) continue;
    if (const auto member = node.Find(name)) return {kind, *member};
  }
  node.Fail(
      "expected one of seasonal_naive, moving_average, rolling_median, croston, sba, tsb as a key");
}

constexpr BaselineForecast None(NoForecast reason) {
  return {std::numeric_limits<double>::quiet_NaN(), reason};
}

BaselineForecast LastValue(std::span<const double> history) {
  for (std::size_t i = history.size(); i-- > 0;) {
    if (!std::isnan(history[i])) return {history[i]};
  }
  return None(history.empty() ? NoForecast::kHistoryTooShort : NoForecast::kValueMissing);
}

BaselineForecast SeasonalNaive(const BaselineSpec& spec, std::span<const double> history,
                               std::size_t step) {
  // The target is `step` periods after the last; so many seasons back lie at or before the last.
  const std::size_t seasons = (step + spec.periods - 1) / spec.periods;
  const std::size_t back = seasons * spec.periods - step;
  BaselineForecast forecast = None(NoForecast::kHistoryTooShort);
  // The whole season must be there, not the one period read: the same for all steps of a row.
  if (history.size() >= spec.periods) {
    const double value = history[history.size() - 1 - back];
    forecast = std::isnan(value) ? None(NoForecast::kValueMissing) : BaselineForecast{value};
  }
  if (forecast.reason != NoForecast::kNone && spec.falls_back_to_naive) return LastValue(history);
  return forecast;
}

BaselineForecast MeanOf(std::span<const double> window) {
  double sum = 0;
  std::size_t count = 0;
  for (const double value : window) {
    if (std::isnan(value)) continue;
    sum += value;
    ++count;
  }
  if (count == 0) return None(NoForecast::kValueMissing);
  return {sum / static_cast<double>(count)};
}

BaselineForecast MedianOf(std::span<const double> window) {
  std::vector<double> values;
  values.reserve(window.size());
  std::ranges::copy_if(window, std::back_inserter(values),
                       [](double value) { return !std::isnan(value); });
  if (values.empty()) return None(NoForecast::kValueMissing);
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::ranges::nth_element(values, middle);
  if (values.size() % 2 == 1) return {*middle};
  return {(*std::max_element(values.begin(), middle) + *middle) / 2};
}

BaselineForecast Croston(std::span<const double> history, double alpha) {
  std::optional<double> size;
  double interval = 0;
  std::size_t periods_since_demand = 0;
  std::size_t periods = 0;
  for (const double value : history) {
    if (std::isnan(value)) continue;
    ++periods;
    ++periods_since_demand;
    if (value <= 0) continue;
    const auto since = static_cast<double>(periods_since_demand);
    size = size ? *size + alpha * (value - *size) : value;
    interval = interval > 0 ? interval + alpha * (since - interval) : since;
    periods_since_demand = 0;
  }
  if (history.empty()) return None(NoForecast::kHistoryTooShort);
  if (periods == 0) return None(NoForecast::kValueMissing);
  return {size ? *size / interval : 0};
}

BaselineForecast Tsb(std::span<const double> history, double alpha) {
  double size = 0;
  double share = 0;
  bool has_value = false;
  bool has_demand = false;
  for (const double value : history) {
    if (std::isnan(value)) continue;
    const bool is_demand = value > 0;
    const double happened = is_demand ? 1 : 0;
    share = has_value ? share + alpha * (happened - share) : happened;
    has_value = true;
    if (!is_demand) continue;
    size = has_demand ? size + alpha * (value - size) : value;
    has_demand = true;
  }
  if (history.empty()) return None(NoForecast::kHistoryTooShort);
  if (!has_value) return None(NoForecast::kValueMissing);
  return {share * size};
}

}  // namespace

std::string NameOf(const BaselineSpec& spec) {
  std::string name(NameOf(spec.kind));
  if (CountsPeriods(spec.kind)) name += "_" + std::to_string(spec.periods);
  return name;
}

std::string_view ToString(NoForecast reason) noexcept {
  switch (reason) {
    case NoForecast::kNone:
      return "";
    case NoForecast::kHistoryTooShort:
      return "history too short";
    case NoForecast::kValueMissing:
      return "values missing";
  }
  return "";
}

BaselineSpec ReadBaseline(const JsonNode& node) {
  if (node.json().is_string()) {
    const std::string name = node.String();
    const auto* const found =
        std::ranges::find(kNames, name, &std::pair<BaselineKind, std::string_view>::second);
    if (found == kNames.end()) node.Fail("no such baseline");
    if (CountsPeriods(found->first)) {
      node.Fail("expected {\"" + name + "\": number of periods}");
    }
    if (found->first == BaselineKind::kQuantileTable) {
      node.Fail("expected {\"quantile_table\": [features]}");
    }
    return {.kind = found->first};
  }
  const auto [kind, value] = ReadKind(node);
  node.RequireObject(kind == BaselineKind::kSeasonalNaive
                         ? std::initializer_list<std::string_view>{NameOf(kind), "fallback"}
                         : std::initializer_list<std::string_view>{NameOf(kind)});
  BaselineSpec spec{.kind = kind};
  if (Smooths(kind)) {
    spec.alpha = value.Number(1e-6, 1);
    return spec;
  }
  spec.periods = static_cast<std::size_t>(value.Integer(1, kMaxPeriods));
  if (const auto fallback = node.Find("fallback")) {
    if (fallback->String() != "naive") fallback->Fail("expected naive");
    spec.falls_back_to_naive = true;
  }
  return spec;
}

std::vector<BaselineSpec> ReadBaselines(const JsonNode& node) {
  std::vector<BaselineSpec> specs;
  std::vector<std::string> names;
  for (const JsonNode& element : node.Elements()) {
    const auto cells = element.json().is_object() ? element.Find("quantile_table") : std::nullopt;
    const BaselineSpec spec = cells ? ReadTable(element, *cells) : ReadBaseline(element);
    if (std::ranges::find(names, NameOf(spec)) != names.end()) element.Fail("given twice");
    names.push_back(NameOf(spec));
    specs.push_back(spec);
  }
  return specs;
}

BaselineForecast ForecastBaseline(const BaselineSpec& spec, std::span<const double> history,
                                  std::size_t step) {
  switch (spec.kind) {
    case BaselineKind::kZero:
      return {0};
    case BaselineKind::kNaive:
      return LastValue(history);
    case BaselineKind::kSeasonalNaive:
      return SeasonalNaive(spec, history, step);
    case BaselineKind::kMovingAverage:
      if (history.size() < spec.periods) return None(NoForecast::kHistoryTooShort);
      return MeanOf(history.last(spec.periods));
    case BaselineKind::kRollingMedian:
      if (history.size() < spec.periods) return None(NoForecast::kHistoryTooShort);
      return MedianOf(history.last(spec.periods));
    case BaselineKind::kHistoricMean:
      if (history.empty()) return None(NoForecast::kHistoryTooShort);
      return MeanOf(history);
    case BaselineKind::kCroston:
      return Croston(history, spec.alpha);
    case BaselineKind::kSba: {
      BaselineForecast forecast = Croston(history, spec.alpha);
      forecast.value *= 1 - spec.alpha / 2;
      return forecast;
    }
    case BaselineKind::kTsb:
      return Tsb(history, spec.alpha);
    case BaselineKind::kQuantileTable:
      break;
  }
  return None(NoForecast::kValueMissing);
}

}  // namespace forkcast::model
