#include "model/forecast/step_forecaster.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "data_preprocessing/base/nan.hpp"
#include "data_preprocessing/series/key_codec.hpp"

namespace forkcast::model {
namespace {

using preprocessing::EncodeKey;
using preprocessing::FeatureMoment;
using preprocessing::ForecastStrategy;
using preprocessing::PeriodIndex;
using preprocessing::PipelineSpec;
using preprocessing::SeriesMask;
using preprocessing::Table;
using preprocessing::Value;
using preprocessing::ValueAt;

std::size_t SeriesOf(const PipelineSpec& spec) {
  return preprocessing::PositionOfSeries(spec.series, spec.forecast->series);
}

}  // namespace

StepForecaster::StepForecaster(const ForecastSources& sources)
    : sources_(sources),
      series_(SeriesOf(sources.spec)),
      computer_(sources.spec.features, sources.spec.series, sources.spec.request, sources.spec.zone,
                &*sources.spec.forecast) {
  for (const std::string& field : sources.spec.forecast->key) {
    key_columns_.push_back(*sources.spec.request.fields.Find(field));
  }
  column_ = *sources.spec.series[series_].ValueSchema().Find(sources.spec.forecast->value);
  const auto& candidates = sources.model.candidates();
  forecasts_.resize(candidates.size());
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    if (!candidates[i]) continue;
    members_.push_back(i);
    steps_of_.emplace_back(ForecastSources{.spec = sources.spec,
                                           .plan = sources.plan.candidates[i],
                                           .model = *candidates[i],
                                           .snapshots = sources.snapshots,
                                           .grid = sources.grid});
  }
  results_of_.resize(members_.size());
}

void StepForecaster::Select(const Table& rows, std::size_t row) {
  key_values_.clear();
  for (const std::size_t column : key_columns_) {
    key_values_.push_back(ValueAt(rows.column(column), row));
  }
  const std::string_view key = EncodeKey(key_values_, key_bytes_);
  key_ = sources_.snapshots[series_].FindNumber(key);
  model_key_ = sources_.model.FindKey(key);
  if (!members_.empty()) weights_ = sources_.model.weights().Of(key);
  for (StepForecaster& steps : steps_of_) steps.Select(rows, row);
  computer_.Select(sources_.snapshots, rows, row);
}

void StepForecaster::Explain(bool wanted) noexcept {
  explains_ = wanted;
  for (StepForecaster& steps : steps_of_) steps.Explain(wanted);
}

StepForecaster::Run StepForecaster::RunFrom(std::size_t step, std::size_t last) const noexcept {
  const ForecastStrategy strategy = sources_.spec.forecast->strategy;
  const bool is_one =
      strategy == ForecastStrategy::kShared || strategy == ForecastStrategy::kPooled;
  return {.first = step,
          .last = is_one ? last : step,
          .model = model_key_ ? sources_.model.ModelOf(step, *model_key_) : nullptr};
}

Status StepForecaster::Forecast(const ForecastOrigin& origin, std::size_t first,
                                std::span<StepResult> results) {
  refusal_.reset();
  stale_ = 0;
  if (!members_.empty()) return ForecastBlended(origin, first, results);
  const bool is_recursive = sources_.spec.forecast->strategy == ForecastStrategy::kRecursive;
  const std::size_t last = first + results.size() - 1;
  first_ = first;
  results_.assign(last, {});
  features_.assign(last * computer_.feature_count(), {});
  if (explains_) explanations_.assign(last, {});
  if (sources_.model.history() != nullptr) {
    ForecastHistory(origin);
    std::ranges::copy(std::span(results_).subspan(first - 1), results.begin());
    return {};
  }
  for (std::size_t step = is_recursive ? 1 : first; step <= last;) {
    const Run run = RunFrom(step, last);
    Status done = ForecastRun(origin, run);
    if (!done) return done;
    if (is_recursive) assumed_.push_back(results_[step - 1].value);
    // What refused a step that nobody asked for is no answer.
    if (step < first) refusal_.reset();
    step = run.last + 1;
  }
  std::ranges::copy(std::span(results_).subspan(first - 1), results.begin());
  return {};
}

void StepForecaster::ForecastHistory(const ForecastOrigin& origin) {
  values_.assign(results_.size(), kNaN);
  if (key_ && model_key_) {
    sources_.model.history()->Forecast(*model_key_, sources_.grid, column_, *key_, origin.period,
                                       values_, history_);
  }
  for (std::size_t i = 0; i < results_.size(); ++i) {
    const double value = values_[i];
    if (std::isnan(value)) {  // nothing to forecast from
      results_[i] = {.outcome = StepOutcome::kNoModel, .value = kNaN};
    } else {
      results_[i] = {.outcome = StepOutcome::kForecast, .value = sources_.plan.output.Apply(value)};
    }
  }
}

Status StepForecaster::ForecastBlended(const ForecastOrigin& origin, std::size_t first,
                                       std::span<StepResult> results) {
  first_ = first;
  features_.assign((first - 1 + results.size()) * computer_.feature_count(), {});
  bool has_features = false;
  for (std::size_t member = 0; member < members_.size(); ++member) {
    std::vector<StepResult>& own = results_of_[member];
    own.assign(results.size(), {.outcome = StepOutcome::kNoModel, .value = kNaN});
    if (weights_[members_[member]] <= 0) continue;
    StepForecaster& steps = steps_of_[member];
    Status done = steps.Forecast(origin, first, own);
    if (!done) return done;
    stale_ |= steps.stale();
    if (!refusal_) refusal_ = steps.refusal();
    if (has_features || steps.sources_.model.history() != nullptr) continue;
    std::ranges::copy(steps.features(), std::span(features_).last(steps.features().size()).begin());
    has_features = true;
  }
  for (std::size_t i = 0; i < results.size(); ++i) results[i] = Blended(i);
  if (!explains_) return {};
  explanations_.assign(first - 1 + results.size(), {});
  for (std::size_t i = 0; i < results.size(); ++i) {
    explanations_[first - 1 + i] = BlendedExplanation(i);
  }
  return {};
}

StepResult StepForecaster::Blended(std::size_t step) {
  std::ranges::fill(forecasts_, kNaN);
  StepResult blended{.outcome = StepOutcome::kNoModel};
  for (std::size_t member = 0; member < members_.size(); ++member) {
    const StepResult& one = results_of_[member][step];
    forecasts_[members_[member]] = one.value;
    if (one.outcome == StepOutcome::kForecast) {
      blended.outcome = StepOutcome::kForecast;
    } else if (one.outcome == StepOutcome::kRefused && blended.outcome == StepOutcome::kNoModel) {
      blended.outcome = StepOutcome::kRefused;
    }
  }
  blended.value = sources_.plan.output.Apply(Blend(weights_, forecasts_));
  return blended;
}

StepExplanation StepForecaster::BlendedExplanation(std::size_t step) const {
  StepExplanation blended;
  double total = 0;
  for (std::size_t member = 0; member < members_.size(); ++member) {
    // Only a candidate that was asked, which has a weight, has a forecast.
    if (results_of_[member][step].outcome != StepOutcome::kForecast) continue;
    const StepExplanation& one = steps_of_[member].explanations()[step];
    const double weight = weights_[members_[member]];
    total += weight;
    blended.is_there = true;
    blended.base += weight * one.base;
    blended.score += weight * one.score;
    blended.contributions.resize(one.contributions.size());
    for (std::size_t i = 0; i < one.contributions.size(); ++i) {
      blended.contributions[i] += weight * one.contributions[i];
    }
  }
  if (!blended.is_there) return blended;
  blended.base /= total;
  blended.score /= total;
  for (double& contribution : blended.contributions) contribution /= total;
  return blended;
}

Status StepForecaster::ForecastRun(const ForecastOrigin& origin, const Run& run) {
  steps_.clear();
  inputs_.clear();
  references_.clear();
  for (std::size_t step = run.first; step <= run.last; ++step) {
    results_[step - 1] = {.outcome = StepOutcome::kNoModel, .value = kNaN};
    if (run.model == nullptr) continue;
    Status computed = Compute(origin, step);
    if (!computed) {
      results_[step - 1].outcome = StepOutcome::kRefused;
      if (!refusal_) refusal_ = std::move(computed).error();
      std::ranges::fill(FeaturesOf(step), Value());
      continue;
    }
    Status encoded = Encode(*run.model, step);
    if (!encoded) return encoded;
    steps_.push_back(step);
    references_.push_back(ReferenceIn(sources_.plan, FeaturesOf(step)));
  }
  if (steps_.empty()) return {};
  values_.resize(steps_.size());
  run.model->Predict(inputs_, references_, values_);
  if (explains_) ExplainRun(*run.model);
  for (std::size_t row = 0; row < steps_.size(); ++row) {
    results_[steps_[row] - 1] = {.outcome = StepOutcome::kForecast,
                                 .value = sources_.plan.output.Apply(values_[row])};
  }
  return {};
}

void StepForecaster::ExplainRun(const Predictor& model) {
  explanation_.contributions.resize(computer_.feature_count());
  const std::size_t width = model.input_count();
  for (std::size_t row = 0; row < steps_.size(); ++row) {
    model.Explain(std::span(inputs_).subspan(row * width, width),
                  std::span(values_).subspan(row, 1), explanation_);
    explanations_[steps_[row] - 1] = {.is_there = true,
                                      .base = explanation_.base,
                                      .score = explanation_.score,
                                      .contributions = explanation_.contributions};
  }
}

std::size_t StepForecaster::PeriodsMissingUntil(PeriodIndex seen) const noexcept {
  if (!key_) return 0;
  return static_cast<std::size_t>(std::max<PeriodIndex>(0, seen - sources_.grid.LastPeriod(*key_)));
}

Status StepForecaster::Compute(const ForecastOrigin& origin, std::size_t step) {
  const preprocessing::ForecastSpec& forecast = *sources_.spec.forecast;
  const PeriodIndex target = origin.period + static_cast<PeriodIndex>(step);
  const PeriodIndex seen = forecast.strategy == ForecastStrategy::kShared
                               ? target - PeriodIndex{forecast.horizon}
                               : origin.period;
  if (forecast.strategy != ForecastStrategy::kRecursive || step == 1) {
    assumed_.assign(PeriodsMissingUntil(seen), kNaN);
  }
  const FeatureMoment moment{.origin = sources_.grid.VisibleFrom(seen),
                             .target = sources_.grid.StartOf(target),
                             .assumed = assumed_,
                             .asked_at = origin.asked_at,
                             .known_by = origin.known_by,
                             .plans = origin.plans,
                             .target_period = target};
  return computer_.ComputeAt(moment, FeaturesOf(step), stale_);
}

Status StepForecaster::Encode(const Predictor& model, std::size_t step) {
  inputs_.resize(inputs_.size() + model.input_count());
  return model.Encode(FeaturesOf(step), std::span(inputs_).last(model.input_count()));
}

}  // namespace forkcast::model
