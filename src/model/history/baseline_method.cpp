#include "model/history/baseline_method.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <tuple>
#include <utility>

namespace forkcast::model {
namespace {

using preprocessing::JsonNode;

class BaselineForecaster final : public SeriesForecaster {
 public:
  explicit BaselineForecaster(const BaselineSpec& spec) : spec_(spec) {}

  void Forecast(std::span<const double> history, std::span<double> out,
                HistoryScratch& /*scratch*/) const override {
    if (spec_.kind != BaselineKind::kSeasonalNaive) {  // all others say the same of every step
      std::ranges::fill(out, ForecastBaseline(spec_, history, 1).value);
      return;
    }
    for (std::size_t i = 0; i < out.size(); ++i) {
      out[i] = ForecastBaseline(spec_, history, i + 1).value;
    }
  }

 private:
  BaselineSpec spec_;
};

class BaselineMethod final : public HistoryMethod {
 public:
  explicit BaselineMethod(const BaselineSpec& spec) : spec_(spec) {}

  [[nodiscard]] bool learns() const noexcept override { return false; }
  [[nodiscard]] LearnedSeries Learn(std::span<const double> /*history*/) const override {
    return {.form = NameOf(spec_)};
  }
  [[nodiscard]] Result<std::unique_ptr<const SeriesForecaster>> Make(
      const LearnedSeries& learned) const override {
    if (learned.form != NameOf(spec_) || !learned.parameters.empty()) {
      return Error{ErrorCode::kCorrupt, fmt::format("expected the form {}", NameOf(spec_))};
    }
    return MakeBaselineForecaster(spec_);
  }

 private:
  BaselineSpec spec_;
};

/// The member that says what a baseline is given: its season, window or smoothing; none: nothing.
std::string_view OptionOf(std::string_view baseline) {
  if (baseline == "seasonal_naive") return "season";
  if (baseline == "moving_average" || baseline == "rolling_median") return "window";
  if (baseline == "croston" || baseline == "sba" || baseline == "tsb") return "alpha";
  return {};
}

const LearnedSeries kNaive{.form = "naive"};
const LearnedSeries kSba{.form = "sba"};

}  // namespace

std::unique_ptr<const SeriesForecaster> MakeBaselineForecaster(const BaselineSpec& spec) {
  return std::make_unique<const BaselineForecaster>(spec);
}

std::unique_ptr<const HistoryMethod> MakeBaselineMethod(const JsonNode& declaration) {
  // As the list of baselines would declare it.
  const std::string name = declaration.Get("algorithm").String();
  const std::string_view option = OptionOf(name);
  if (option.empty()) {
    declaration.RequireObject({"algorithm", "threads"});
  } else if (option == "season") {
    declaration.RequireObject({"algorithm", "threads", option, "fallback"});
  } else {
    declaration.RequireObject({"algorithm", "threads", option});
  }
  nlohmann::ordered_json baseline = name;
  if (const auto given = option.empty() ? std::nullopt : declaration.Find(option)) {
    baseline = {{name, given->json()}};
    if (const auto fallback = declaration.Find("fallback")) baseline["fallback"] = fallback->json();
  } else if (option == "season" || option == "window") {
    std::ignore = declaration.Get(option);
  }
  return std::make_unique<const BaselineMethod>(
      ReadBaseline(JsonNode(baseline, declaration.path())));
}

std::optional<LearnedSeries> StandIn(std::span<const double> history, std::size_t least_values) {
  std::size_t values = 0;
  std::size_t zeros = 0;
  double least = std::numeric_limits<double>::infinity();
  double greatest = -least;
  for (const double value : history) {
    if (std::isnan(value)) continue;
    ++values;
    zeros += value == 0 ? 1 : 0;
    least = std::min(least, value);
    greatest = std::max(greatest, value);
  }
  const auto because = [](LearnedSeries learned, std::string remark) {
    learned.remark = std::move(remark);
    return learned;
  };
  if (values < least_values) {
    return because(kNaive, fmt::format("fewer than {} values", least_values));
  }
  if (least == greatest) return because(kNaive, "all values are the same");
  if (2 * zeros > values && least >= 0) return because(kSba, "more than half of the values are 0");
  return std::nullopt;
}

std::unique_ptr<const SeriesForecaster> MakeStandIn(const LearnedSeries& learned) {
  if (!learned.parameters.empty()) return nullptr;
  if (learned.form == kNaive.form) return MakeBaselineForecaster({.kind = BaselineKind::kNaive});
  if (learned.form == kSba.form) return MakeBaselineForecaster({.kind = BaselineKind::kSba});
  return nullptr;
}

}  // namespace forkcast::model
