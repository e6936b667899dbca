#include "model/forecast/forecaster.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <utility>

#include "data_preprocessing/features/staleness.hpp"
#include "data_preprocessing/pipeline/snapshots.hpp"
#include "data_preprocessing/table/parse_value.hpp"
#include "model/forecast/forecast_request.hpp"
#include "model/forecast/model_keys.hpp"

namespace forkcast::model {
namespace {

using preprocessing::AppendIsoTimestamp;
using preprocessing::AppendPeriodText;
using preprocessing::Column;
using preprocessing::ForecastSpec;
using preprocessing::GridReader;
using preprocessing::PeriodIndex;
using preprocessing::PipelineSpec;
using preprocessing::SeriesMask;
using preprocessing::SeriesSpec;
using preprocessing::Value;
using preprocessing::ValueAt;
using preprocessing::WhenStale;

}  // namespace

Forecaster::Forecaster(Parts parts)
    : parts_(std::move(parts)),
      series_(preprocessing::PositionOfSeries(parts_.spec.series, parts_.spec.forecast->series)),
      grid_(parts_.spec.series[series_], parts_.snapshots[series_], parts_.spec.zone),
      column_(*parts_.spec.series[series_].ValueSchema().Find(parts_.spec.forecast->value)),
      periods_(grid_.AllPeriods()),
      ended_(parts_.plan.ended_after, parts_.spec.series[series_], grid_, *parts_.spec.forecast),
      assumable_(parts_.spec) {}

Result<std::unique_ptr<const Forecaster>> Forecaster::Make(Parts parts) {
  Status checked = CheckForecastRequest(parts.spec);
  if (!checked) return std::move(checked).error();
  std::unique_ptr<Forecaster> forecaster(new Forecaster(std::move(parts)));
  const Parts& own = forecaster->parts_;
  if (!own.cold_start) return std::unique_ptr<const Forecaster>(std::move(forecaster));
  Result<ColdStart> cold_start = ColdStart::Make(*own.cold_start, own.spec, own.snapshots,
                                                 forecaster->grid_, forecaster->column_);
  if (!cold_start) return std::move(cold_start).error();
  forecaster->cold_start_.emplace(*std::move(cold_start));
  return std::unique_ptr<const Forecaster>(std::move(forecaster));
}

Result<std::unique_ptr<const Forecaster>> Forecaster::Open(const ForecastVersion& version,
                                                           const std::filesystem::path& snapshots,
                                                           const ColdStartRule& cold_start) {
  Result<ForecastModel> model = version.Model();
  if (!model) return std::move(model).error();
  Result<std::shared_ptr<const ConformalIntervals>> intervals = version.Intervals();
  if (!intervals) return std::move(intervals).error();
  Result<std::vector<preprocessing::Snapshot>> opened =
      preprocessing::OpenSnapshots(version.spec(), snapshots);
  if (!opened) return std::move(opened).error();
  return Make({.spec = version.spec(),
               .plan = version.plan(),
               .model = std::make_shared<const ForecastModel>(*std::move(model)),
               .snapshots = *std::move(opened),
               .cold_start = cold_start,
               .intervals = *std::move(intervals)});
}

Result<std::unique_ptr<const Forecaster>> Forecaster::Over(
    std::vector<preprocessing::Snapshot> snapshots) const {
  return Make({.spec = parts_.spec,
               .plan = parts_.plan,
               .model = parts_.model,
               .snapshots = std::move(snapshots),
               .cold_start = parts_.cold_start,
               .intervals = parts_.intervals});
}

std::optional<PeriodIndex> Forecaster::newest() const noexcept {
  return periods_ ? std::optional(periods_->last) : std::nullopt;
}

void Forecaster::AppendPeriod(PeriodIndex period, std::string& text) const {
  AppendPeriodText(period, spec().series[series_].aggregate->period, text);
}

void Forecaster::AppendOrigin(PeriodIndex period, std::string& text) const {
  const Instant known = grid_.VisibleFrom(period);
  const auto day = preprocessing::DayOf(spec().zone.ToCivil(known));
  if (spec().zone.MidnightOf(day) == known) {
    AppendPeriodText(day.time_since_epoch().count(), preprocessing::Period::kDay, text);
  } else {
    AppendIsoTimestamp(known, text);
  }
}

std::string Forecaster::Name(PeriodIndex period) const {
  std::string text;
  AppendPeriod(period, text);
  return text;
}

std::string Forecaster::Name(Instant instant) const {
  std::string text;
  AppendIsoTimestamp(instant, text);
  return text;
}

Result<PeriodIndex> Forecaster::PeriodAt(const std::optional<Instant>& origin) const {
  const SeriesSpec& series = spec().series[series_];
  if (!periods_) {
    return Error{ErrorCode::kFeatureMissing,
                 fmt::format("series \"{}\" has no data to forecast from", series.name),
                 series.name};
  }
  if (!origin) return periods_->last;
  const PeriodIndex period = grid_.LastVisibleAt(*origin);
  const std::string_view unit = ToString(series.aggregate->period);
  if (period < periods_->first) {
    return Error{
        ErrorCode::kInvalidArgument,
        fmt::format("the origin {} lies before the data: the first {} is that of {}, known "
                    "from {} on",
                    Name(*origin), unit, Name(periods_->first),
                    Name(grid_.VisibleFrom(periods_->first))),
        spec().request.time};
  }
  if (period > periods_->last) {
    return Error{ErrorCode::kInvalidArgument,
                 fmt::format("the origin {} lies behind the data: the newest {} is that of {}, so "
                             "it must be before {}",
                             Name(*origin), unit, Name(periods_->last),
                             Name(grid_.VisibleFrom(periods_->last + 1))),
                 spec().request.time};
  }
  return period;
}

Result<std::size_t> Forecaster::StepOf(Instant instant, const char* field,
                                       PeriodIndex origin) const {
  const PeriodIndex period = grid_.PeriodOf(instant);
  const PeriodIndex first = origin + 1;
  const PeriodIndex last = origin + spec().forecast->horizon;
  if (period < first || period > last) {
    return Error{
        ErrorCode::kInvalidArgument,
        fmt::format("the {} of {} cannot be forecast from that of {}: possible are {} to {}",
                    ToString(spec().series[series_].aggregate->period), Name(period), Name(origin),
                    Name(first), Name(last)),
        field};
  }
  return static_cast<std::size_t>(period - origin);
}

Status Forecaster::ResolveSteps(const ForecastQuestion& question, Asked& asked) const {
  asked.first_step = 1;
  asked.last_step = horizon();
  if (question.steps) {
    if (question.from || question.to) {
      return Error{ErrorCode::kInvalidArgument,
                   "\"steps\" says how many periods to forecast, or \"from\" and \"to\" say which: "
                   "not both",
                   "steps"};
    }
    if (*question.steps < 1 || *question.steps > spec().forecast->horizon) {
      return Error{ErrorCode::kInvalidArgument,
                   fmt::format("{} steps cannot be forecast: possible are 1 to {}", *question.steps,
                               horizon()),
                   "steps"};
    }
    asked.last_step = static_cast<std::size_t>(*question.steps);
    return {};
  }
  if (question.from && question.to && *question.from > *question.to) {
    return Error{
        ErrorCode::kInvalidArgument,
        fmt::format("\"from\" {} lies after \"to\" {}", Name(*question.from), Name(*question.to)),
        "from"};
  }
  if (question.from && !GivenOrigin(question) &&
      grid_.PeriodOf(*question.from) <= asked.origin.period) {
    return ResolvePast(question, asked);
  }
  if (question.from) {
    const Result<std::size_t> step = StepOf(*question.from, "from", asked.origin.period);
    if (!step) return step.error();
    asked.first_step = *step;
  }
  if (question.to) {
    const Result<std::size_t> step = StepOf(*question.to, "to", asked.origin.period);
    if (!step) return step.error();
    asked.last_step = *step;
  }
  return {};
}

Status Forecaster::ResolvePast(const ForecastQuestion& question, Asked& asked) const {
  asked.past_from = grid_.PeriodOf(*question.from);
  if (*asked.past_from <= periods_->first) {
    return Error{ErrorCode::kInvalidArgument,
                 fmt::format("the {} of {} cannot be forecast, since nothing is known before: the "
                             "first is that of {}",
                             ToString(spec().series[series_].aggregate->period),
                             Name(*asked.past_from), Name(periods_->first + 1)),
                 "from"};
  }
  asked.past_to = asked.origin.period;
  if (!question.to) return {};
  const PeriodIndex last = grid_.PeriodOf(*question.to);
  if (last <= asked.origin.period) {
    asked.past_to = last;
    asked.last_step = 0;
    return {};
  }
  const Result<std::size_t> step = StepOf(*question.to, "to", asked.origin.period);
  if (!step) return step.error();
  asked.last_step = *step;
  return {};
}

std::optional<Instant> Forecaster::GivenOrigin(const ForecastQuestion& question) const {
  const Column& times = question.rows.column(*spec().request.fields.Find(spec().request.time));
  if (question.origin || times.IsMissing(question.row)) return question.origin;
  return times.Timestamp(question.row);
}

Result<std::optional<Instant>> Forecaster::OriginOf(const ForecastQuestion& question) const {
  std::optional<Instant> origin = GivenOrigin(question);
  if (!question.known_by) return origin;
  if (origin && *origin > *question.known_by) {
    return Error{ErrorCode::kInvalidArgument,
                 fmt::format("the origin {} lies after {}, as of which is asked", Name(*origin),
                             Name(*question.known_by)),
                 spec().request.time};
  }
  // What was the newest then is not the newest of all.
  const std::optional<Instant> newest = grid_.watermark();
  if (!origin && newest && *question.known_by < *newest) origin = question.known_by;
  return origin;
}

Result<Forecaster::Asked> Forecaster::Resolve(const ForecastQuestion& question) const {
  const Result<std::optional<Instant>> origin = OriginOf(question);
  if (!origin) return origin.error();
  const Result<PeriodIndex> period = PeriodAt(*origin);
  if (!period) return period.error();
  Asked asked{.origin = {.period = *period,
                         .asked_at = origin->value_or(question.now),
                         .known_by = question.known_by}};
  Status resolved = ResolveSteps(question, asked);
  if (!resolved) return std::move(resolved).error();
  return asked;
}

Status Forecaster::Check(const ForecastQuestion& question) const {
  const Result<Asked> asked = Resolve(question);
  return asked ? Status() : Status(asked.error());
}

ForecastSession::ForecastSession(const Forecaster& forecaster)
    : forecaster_(forecaster),
      steps_({.spec = forecaster.parts_.spec,
              .plan = forecaster.parts_.plan,
              .model = *forecaster.parts_.model,
              .snapshots = forecaster.parts_.snapshots,
              .grid = forecaster.grid_}) {}

Status ForecastSession::CheckKey(const ForecastQuestion& question) const {
  const PipelineSpec& spec = forecaster_.spec();
  for (const std::string& field : spec.forecast->key) {
    if (!question.rows.column(*spec.request.fields.Find(field)).IsMissing(question.row)) continue;
    return Error{ErrorCode::kInvalidArgument, "a forecast needs the whole key", field};
  }
  return {};
}

Status ForecastSession::Suppose(const ForecastQuestion& question, const Forecaster::Asked& asked) {
  plans_.clear();
  const PeriodIndex origin = asked.origin.period;
  const PeriodIndex first =
      asked.past_from.value_or(origin + static_cast<PeriodIndex>(asked.first_step));
  const PeriodIndex last = asked.last_step < asked.first_step
                               ? asked.past_to
                               : origin + static_cast<PeriodIndex>(asked.last_step);
  for (const Assumption& one : question.assumptions) {
    const bool has_periods = forecaster_.spec().series[one.series].aggregate.has_value();
    Value value;
    if (one.value) {
      value = preprocessing::ViewOf(*one.value);
    } else if (has_periods) {
      value = preprocessing::kMissingNumber;
    }
    const PeriodIndex from = one.at ? forecaster_.grid().PeriodOf(*one.at) : first;
    const PeriodIndex to = one.at ? from : last;
    if (from < first || to > last) {
      return Error{
          ErrorCode::kInvalidArgument,
          fmt::format("{} is not among the periods that are forecast: {} to {}",
                      forecaster_.Name(from), forecaster_.Name(first), forecaster_.Name(last)),
          "assume"};
    }
    for (PeriodIndex period = from; period <= to; ++period) {
      plans_.push_back(
          {.series = one.series, .column = one.column, .period = period, .value = value});
    }
  }
  return {};
}

Status ForecastSession::Forecast(const ForecastQuestion& question, ForecastAnswer& answer) {
  Status checked = CheckKey(question);
  if (!checked) return checked;
  Result<Forecaster::Asked> asked = forecaster_.Resolve(question);
  if (!asked) return asked.error();
  if (Status supposed = Suppose(question, *asked); !supposed) return supposed;
  asked->origin.plans = plans_;
  steps_.Select(question.rows, question.row);
  answer.origin = asked->origin.period;
  answer.stale = 0;
  answer.steps.clear();
  answer.features.clear();
  answer.intervals.clear();
  answer.explanations.clear();
  steps_.Explain(question.explain);
  if (asked->past_from) {
    for (PeriodIndex period = *asked->past_from; period <= asked->past_to; ++period) {
      const ForecastOrigin origin{.period = period - 1,
                                  .asked_at = forecaster_.grid().VisibleFrom(period - 1),
                                  .known_by = asked->origin.known_by,
                                  .plans = plans_};
      Status done = Append(question, origin, 1, 1, answer);
      if (!done) return done;
    }
  }
  if (asked->last_step < asked->first_step) return {};
  return Append(question, asked->origin, asked->first_step, asked->last_step, answer);
}

Status ForecastSession::Append(const ForecastQuestion& question, const ForecastOrigin& origin,
                               std::size_t first, std::size_t last, ForecastAnswer& answer) {
  const GridReader& grid = forecaster_.grid();
  const std::optional<std::size_t> key = steps_.key();
  if (key && forecaster_.HasEnded(*key, origin.period)) return Ended(question, origin.period);
  results_.assign(last - first + 1, {.outcome = StepOutcome::kNoModel});
  const std::size_t before = answer.features.size();
  answer.features.resize(before + results_.size() * forecaster_.spec().features.size());
  const std::size_t explained = answer.explanations.size();
  if (question.explain) answer.explanations.resize(explained + results_.size());
  // Without a past, features are missing at best, and no model has seen such a row.
  if (key && grid.FirstPeriod(*key) <= origin.period) {
    Status done = steps_.Forecast(origin, first, results_);
    if (!done) return done;
    answer.stale |= steps_.stale();
    std::ranges::copy(steps_.features(),
                      answer.features.begin() + static_cast<std::ptrdiff_t>(before));
    if (question.explain) {
      std::ranges::copy(steps_.explanations(),
                        answer.explanations.begin() + static_cast<std::ptrdiff_t>(explained));
    }
  }
  const bool is_without_model =
      std::ranges::find(results_, StepOutcome::kNoModel, &StepResult::outcome) != results_.end();
  if (forecaster_.model().reads_histories() || (is_without_model && forecaster_.cold_start_)) {
    Status fresh = CheckSeries(origin, answer.stale);
    if (!fresh) return fresh;
  }
  for (std::size_t i = 0; i < results_.size(); ++i) {
    StepForecast& forecast = answer.steps.emplace_back();
    forecast.step = first + i;
    forecast.period = origin.period + static_cast<PeriodIndex>(forecast.step);
    const bool is_known =
        !question.known_by || grid.VisibleFrom(forecast.period) <= *question.known_by;
    if (key && is_known) {
      forecast.actual = grid.ValueIn(*key, forecaster_.column_, forecast.period);
    }
    Status answered = Answer(results_[i], question, origin.period, forecast);
    if (!answered) return answered;
  }
  AddIntervals(origin.period, results_.size(), answer);
  return {};
}

void ForecastSession::AddIntervals(PeriodIndex origin, std::size_t count,
                                   ForecastAnswer& answer) const {
  const std::size_t levels = forecaster_.levels().size();
  answer.intervals.resize(answer.steps.size() * levels);
  const std::optional<std::size_t> key = steps_.key();
  if (levels == 0 || !key) return;  // only a cold start forecasts a key without history
  const ConformalIntervals& intervals = *forecaster_.parts_.intervals;
  const double key_scale = KeyScale(
      forecaster_.grid().ValuesUpTo(*key, forecaster_.column_, origin), intervals.season());
  for (std::size_t i = answer.steps.size() - count; i < answer.steps.size(); ++i) {
    const StepForecast& step = answer.steps[i];
    if (step.cold_start) continue;
    intervals.Around(step.value, step.step, key_scale,
                     std::span(answer.intervals).subspan(i * levels, levels));
  }
}

Status ForecastSession::CheckSeries(const ForecastOrigin& origin, SeriesMask& stale) const {
  const SeriesSpec& series = forecaster_.spec().series[forecaster_.series_];
  const Instant time = *origin.asked_at;
  const GridReader& grid = forecaster_.grid();
  const std::optional<Instant> watermark =
      origin.known_by ? grid.WatermarkBy(*origin.known_by) : grid.up_to_date();
  switch (StalenessAt(series, watermark, time)) {
    case WhenStale::kServe:
      break;
    case WhenStale::kFlag:
      stale |= SeriesMask{1} << forecaster_.series_;
      break;
    case WhenStale::kRefuse:
      return Error{ErrorCode::kFeatureStale, TooOldText(series, watermark, time), series.name};
  }
  return {};
}

Status ForecastSession::Answer(const StepResult& result, const ForecastQuestion& question,
                               PeriodIndex origin, StepForecast& forecast) const {
  const TrainingPlan& plan = forecaster_.parts_.plan;
  switch (result.outcome) {
    case StepOutcome::kRefused:
      return Refused(*steps_.refusal(), forecast);
    case StepOutcome::kNoModel: {
      if (!forecaster_.cold_start_) return NoModel(question, origin, forecast);
      const double value = forecaster_.cold_start_
                               ->Forecast(steps_.key(), steps_.key_values(), origin, forecast.step)
                               .value;
      if (std::isnan(value)) return NoModel(question, origin, forecast);
      forecast.value = plan.output.Apply(value);
      forecast.cold_start = true;
      return {};
    }
    case StepOutcome::kForecast:
      break;
  }
  if (std::isnan(result.value)) {
    return Refused({ErrorCode::kFeatureMissing,
                    "the feature that the target is measured from has no value to measure from",
                    plan.anchor ? forecaster_.spec().features[*plan.anchor].name : std::string()},
                   forecast);
  }
  forecast.value = result.value;
  return {};
}

Error ForecastSession::Refused(Error error, const StepForecast& forecast) const {
  error.message +=
      fmt::format(" (step {}, the {} of {})", forecast.step,
                  ToString(forecaster_.spec().series[forecaster_.series_].aggregate->period),
                  forecaster_.Name(forecast.period));
  return error;
}

std::string ForecastSession::KeyOf(const ForecastQuestion& question) const {
  std::vector<Value> key;
  for (const std::string& field : forecaster_.spec().forecast->key) {
    const std::size_t column = *forecaster_.spec().request.fields.Find(field);
    key.push_back(ValueAt(question.rows.column(column), question.row));
  }
  return JoinedKey(key);
}

Error ForecastSession::Ended(const ForecastQuestion& question, PeriodIndex origin) const {
  const ForecastSpec& spec = *forecaster_.spec().forecast;
  const std::string_view unit =
      ToString(forecaster_.spec().series[forecaster_.series_].aggregate->period);
  return {ErrorCode::kNotFound,
          fmt::format("key {} has ended: it has no \"{}\" but 0 in the {} {}s up to that of {} "
                      "(\"ended_after\")",
                      KeyOf(question), spec.value, *forecaster_.ended_.periods(), unit,
                      forecaster_.Name(origin)),
          spec.key.empty() ? spec.series : spec.key.front()};
}

Error ForecastSession::NoModel(const ForecastQuestion& question, PeriodIndex origin,
                               const StepForecast& forecast) const {
  const ForecastSpec& spec = *forecaster_.spec().forecast;
  const GridReader& grid = forecaster_.grid();
  const bool has_history = steps_.key() && grid.FirstPeriod(*steps_.key()) <= origin;
  return {ErrorCode::kNotFound,
          has_history
              ? fmt::format("key {} has no model for step {}", KeyOf(question), forecast.step)
              : fmt::format("key {} has no history in series \"{}\" up to {}", KeyOf(question),
                            spec.series, forecaster_.Name(origin)),
          spec.key.empty() ? spec.series : spec.key.front()};
}

}  // namespace forkcast::model
