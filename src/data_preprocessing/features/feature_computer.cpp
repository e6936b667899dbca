#include "data_preprocessing/features/feature_computer.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "data_preprocessing/features/feature_operator.hpp"
#include "data_preprocessing/features/staleness.hpp"
#include "data_preprocessing/series/key_codec.hpp"

namespace forkcast::preprocessing {
namespace {

/// Instants are whole microseconds, so what was visible before one was so at this.
Instant JustBefore(Instant instant) noexcept { return instant - std::chrono::microseconds(1); }

/// The same moment, read at no later instant. What it asks of the data's age stays.
FeatureMoment AsKnownBy(Instant known_by, FeatureMoment moment) noexcept {
  moment.asked_at = moment.asked_at.value_or(moment.origin);
  moment.origin = std::min(moment.origin, known_by);
  return moment;
}

std::size_t Number(Period period) noexcept { return static_cast<std::size_t>(period); }

}  // namespace

FeatureComputer::FeatureComputer(std::span<const FeatureSpec> features,
                                 std::span<const SeriesSpec> series, const RequestSpec& request,
                                 const TimeZone& zone, const ForecastSpec* forecast)
    : features_(features),
      series_(series),
      request_(request),
      zone_(zone),
      time_column_(*request.fields.Find(request.time)) {
  if (forecast != nullptr) {
    forecast_look_up_ = LookUpOf(forecast->series, forecast->key);
    const Schema values = series_[forecast_look_up_->series].ValueSchema();
    forecast_column_ = *values.Find(forecast->value);
  }
  for (const FeatureSpec& feature : features_) {
    operators_.push_back(feature.op.get());
    needs_origin_civil_ |= feature.op->NeedsCivilTime(ReadAt::kOrigin);
    needs_target_civil_ |= feature.op->NeedsCivilTime(ReadAt::kTarget);
  }
  const std::vector<SeriesRead> reads = DistinctReads(features_);
  for (const SeriesRead& read : reads) AddRead(read);
  for (const FeatureSpec& feature : features_) {
    std::vector<std::size_t>& own = reads_of_.emplace_back();
    for (const SeriesRead& read : feature.reads) {
      own.push_back(static_cast<std::size_t>(std::ranges::find(reads, read) - reads.begin()));
    }
  }
  for (const Read& read : reads_) {
    const SeriesSpec& one = series_[look_ups_[read.look_up].series];
    if (!one.aggregate) continue;
    const Period period = one.aggregate->period;
    if (std::ranges::find(periods_, period) == periods_.end()) periods_.push_back(period);
    needs_target_civil_ = true;
  }
  found_.resize(look_ups_.size());
  past_watermarks_.resize(look_ups_.size());
  for (const Read& read : reads_) {
    const SeriesSpec& one = series_[look_ups_[read.look_up].series];
    past_.emplace_back(read.is_grid ? one.ValueSchema().columns.size() : 0);
  }
  views_.resize(reads_.size());
  plans_.resize(reads_.size());
}

FeatureComputer::LookUp FeatureComputer::LookUpOf(const std::string& series,
                                                  std::span<const std::string> fields) const {
  LookUp look_up;
  look_up.series = PositionOfSeries(series_, series);
  for (const std::string& field : fields) {
    look_up.key_columns.push_back(*request_.fields.Find(field));
  }
  return look_up;
}

std::size_t FeatureComputer::AddLookUp(LookUp look_up) {
  const auto same = std::ranges::find(look_ups_, look_up);
  const auto place = static_cast<std::size_t>(same - look_ups_.begin());
  if (same == look_ups_.end()) look_ups_.push_back(std::move(look_up));
  return place;
}

void FeatureComputer::AddRead(const SeriesRead& read) {
  LookUp look_up = LookUpOf(read.series, read.key);
  const std::size_t series = look_up.series;
  const bool is_grid = series_[series].aggregate.has_value();
  const bool is_forecast = read.at == ReadAt::kOrigin && look_up == forecast_look_up_;
  const auto first = std::ranges::find_if(features_, [&read](const FeatureSpec& feature) {
    return std::ranges::find(feature.reads, read) != feature.reads.end();
  });
  reads_.push_back({.look_up = AddLookUp(std::move(look_up)),
                    .at = read.at,
                    .is_grid = is_grid,
                    .is_forecast = is_forecast,
                    .has_max_age = series_[series].max_age.has_value(),
                    .strict = read.strict,
                    .skips_missing = series_[series].ValueSchema().Find(read.skip_missing),
                    .first_feature = static_cast<std::size_t>(first - features_.begin())});
}

void FeatureComputer::Select(std::span<const Snapshot> snapshots, const Table& rows,
                             std::size_t row) {
  rows_ = &rows;
  row_ = row;
  for (std::size_t i = 0; i < look_ups_.size(); ++i) {
    found_[i] = {.snapshot = &snapshots[look_ups_[i].series], .rows = {}};
    key_values_.clear();
    for (const std::size_t column : look_ups_[i].key_columns) {
      key_values_.push_back(ValueAt(rows.column(column), row));
    }
    if (std::ranges::any_of(key_values_, IsMissing)) continue;
    found_[i].rows = found_[i].snapshot->Find(EncodeKey(key_values_, key_bytes_));
  }
}

Instant FeatureComputer::AskedAt(const Read& read, const FeatureMoment& moment) const {
  // A plan reaches as far as its rows do; where it says when it was made, that is what grows old.
  return IsByTarget(read) ? moment.target : moment.asked_at.value_or(moment.origin);
}

bool FeatureComputer::IsByTarget(const Read& read) const noexcept {
  const SeriesSpec& series = series_[look_ups_[read.look_up].series];
  return read.at == ReadAt::kTarget && series.known_at.empty();
}

template <typename Text>
Status FeatureComputer::Obey(WhenStale rule, const Read& read, SeriesMask& stale,
                             const Text& too_old) const {
  switch (rule) {
    case WhenStale::kServe:
      break;
    case WhenStale::kFlag:
      stale |= SeriesMask{1} << look_ups_[read.look_up].series;
      break;
    case WhenStale::kRefuse:
      return Error{ErrorCode::kFeatureStale, too_old(), features_[read.first_feature].name};
  }
  return {};
}

Status FeatureComputer::CheckStaleness(const Read& read, const FeatureMoment& moment,
                                       SeriesMask& stale) {
  const SeriesSpec& series = series_[look_ups_[read.look_up].series];
  if (series.is_static() || !series.max_staleness) return {};
  const Instant time = AskedAt(read, moment);
  // That a plan's source was looked at does not make it longer.
  const std::optional<Instant> watermark = IsByTarget(read) && !moment.known_by
                                               ? found_[read.look_up].snapshot->watermark()
                                               : WatermarkOf(read.look_up, moment.known_by);
  return Obey(StalenessAt(series, watermark, time), read, stale,
              [&] { return TooOldText(series, watermark, time); });
}

std::optional<Instant> FeatureComputer::WatermarkOf(std::size_t look_up,
                                                    const std::optional<Instant>& known_by) {
  const Snapshot& snapshot = *found_[look_up].snapshot;
  if (!known_by) return snapshot.up_to_date();
  PastWatermark& past = past_watermarks_[look_up];
  const std::uint64_t checksum = snapshot.checksum();
  if (past.of != checksum || past.known_by != *known_by) {
    past = {.of = checksum, .known_by = *known_by, .watermark = snapshot.WatermarkBy(*known_by)};
  }
  return past.watermark;
}

Status FeatureComputer::CheckAge(const Read& read, const SeriesView& view,
                                 const FeatureMoment& moment, SeriesMask& stale) const {
  if (!view.row_) return {};  // the feature's own rule says what becomes of that
  const LookUp& look_up = look_ups_[read.look_up];
  const SeriesSpec& series = series_[look_up.series];
  const Instant time = AskedAt(read, moment);
  const Instant newest = view.snapshot_->AgesFrom(*view.row_);
  return Obey(AgeRuleAt(series, newest, time), read, stale,
              [&] { return KeyTooOldText(series, KeyTextOf(look_up), newest, time); });
}

std::string FeatureComputer::KeyTextOf(const LookUp& look_up) const {
  std::vector<Value> values;
  for (const std::size_t column : look_up.key_columns) {
    values.push_back(ValueAt(rows_->column(column), row_));
  }
  return KeyText(series_[look_up.series].key, values);
}

Error FeatureComputer::Missing(std::size_t feature, const RowContext& row) {
  for (std::size_t i = 0; i < reads_.size(); ++i) {
    // Without a row in force nobody needed it, but the message does.
    if (reads_[i].is_grid && !views_[i].row_) {
      views_[i].period_ = PeriodZero(reads_[i], views_[i], row.origin.instant);
    }
  }
  MissingPeriods missing;
  AddMissing(feature, row, missing);
  std::string message = "feature cannot be computed: ";
  message += missing.empty() ? "no data for it at the request's time" : missing.Text();
  return {ErrorCode::kFeatureMissing, std::move(message), features_[feature].name};
}

void FeatureComputer::AddMissing(std::size_t feature, const RowContext& row,
                                 MissingPeriods& missing) const {
  FeatureNeeds needs;
  operators_[feature]->AddNeeds(row, needs);
  for (const FeatureNeeds::Past& past : needs.past) {
    const Read& read = reads_[past.read];
    const SeriesView& view = views_[past.read];
    if (!read.is_grid || !std::isnan(view.Back(past.column, past.back))) continue;
    missing.Add(series_[look_ups_[read.look_up].series], past.column, view.period() - past.back);
  }
  for (const std::size_t other : needs.features) {
    if (IsMissing(row.features[other])) AddMissing(other, row, missing);
  }
}

PeriodIndex FeatureComputer::PeriodZero(const Read& read, const SeriesView& view,
                                        Instant origin) const {
  if (read.at == ReadAt::kTarget) return view.target_period_;
  const SeriesSpec& series = series_[look_ups_[read.look_up].series];
  return PeriodOf(origin - series.delay, series.aggregate->period, zone_) - 1;
}

std::optional<std::uint64_t> FeatureComputer::RowAsOf(const Read& read,
                                                      const Snapshot::KeyRows& rows,
                                                      const FeatureMoment& moment) const {
  const Snapshot& snapshot = *found_[read.look_up].snapshot;
  const Instant origin = read.strict ? JustBefore(moment.origin) : moment.origin;
  if (read.skips_missing) return snapshot.AsOfValue(rows, *read.skips_missing, origin);
  return snapshot.AsOf(rows, origin);
}

std::optional<std::uint64_t> FeatureComputer::PlannedAt(const Read& read,
                                                        const Snapshot::KeyRows& rows,
                                                        const FeatureMoment& moment) const {
  const Instant target = read.strict ? JustBefore(moment.target) : moment.target;
  return found_[read.look_up].snapshot->Planned(rows, moment.origin, target);
}

std::optional<std::uint64_t> FeatureComputer::RowOfTarget(const Snapshot::KeyRows& rows,
                                                          PeriodIndex target) noexcept {
  const PeriodIndex offset = target - rows.first_period;
  if (offset < 0 || offset >= rows.row_count) return std::nullopt;
  return rows.row_begin + static_cast<std::uint64_t>(offset);
}

void FeatureComputer::ReadSeries(std::size_t number, const FeatureMoment& moment) {
  const Read& read = reads_[number];
  SeriesView& view = views_[number];
  PlanView& plan = plans_[number];
  const Found& found = found_[read.look_up];
  view.snapshot_ = plan.snapshot_ = found.snapshot;
  view.row_.reset();
  view.past_ = nullptr;
  view.assumed_ = nullptr;
  plan.assumed_ = nullptr;
  plan.rows_ = found.rows.value_or(Snapshot::KeyRows{});
  if (read.is_grid) {
    const SeriesSpec& series = series_[look_ups_[read.look_up].series];
    view.target_period_ = plan.target_period_ = target_period_[Number(series.aggregate->period)];
  }
  if (!found.rows) return;
  const Snapshot::KeyRows& rows = *found.rows;
  view.rows_ = rows;
  if (read.at == ReadAt::kOrigin) {
    view.row_ = RowAsOf(read, rows, moment);
  } else {
    view.row_ =
        read.is_grid ? RowOfTarget(rows, view.target_period_) : PlannedAt(read, rows, moment);
  }
  if (!read.is_grid || !view.row_) return;
  view.period_ = rows.first_period + static_cast<PeriodIndex>(*view.row_ - rows.row_begin);
  const Instant origin = read.strict ? JustBefore(moment.origin) : moment.origin;
  if (read.at == ReadAt::kOrigin && found.snapshot->IsRevisedAfter(rows, origin)) {
    GoBack(origin, past_[number], view);
  }
  if (read.is_forecast && !moment.assumed.empty()) Assume(moment.assumed, past_[number], view);
}

void FeatureComputer::GoBack(Instant origin, std::vector<std::vector<double>>& past,
                             SeriesView& view) {
  const std::uint64_t count = *view.row_ - view.rows_.row_begin + 1;
  for (std::size_t column = 0; column < past.size(); ++column) {
    view.snapshot_->DoublesAsOf(view.rows_, column, count, origin, past[column]);
  }
  view.past_ = &past;
}

void FeatureComputer::Assume(std::span<const double> assumed, std::vector<std::vector<double>>& all,
                             SeriesView& view) {
  for (std::size_t column = 0; column < all.size(); ++column) {
    std::vector<double>& past = all[column];
    if (view.past_ == nullptr) {
      const std::span<const double> known = view.Past(column);
      past.assign(known.begin(), known.end());
    }
    if (column == forecast_column_) {
      past.insert(past.end(), assumed.begin(), assumed.end());
    } else {
      past.resize(past.size() + assumed.size(), kMissingNumber);
    }
  }
  view.period_ += static_cast<PeriodIndex>(assumed.size());
  view.past_ = &all;
}

void FeatureComputer::AssumePlans(const FeatureMoment& moment) {
  supposed_.resize(reads_.size());
  for (std::size_t i = 0; i < reads_.size(); ++i) {
    const std::size_t series = look_ups_[reads_[i].look_up].series;
    const bool is_supposed =
        std::ranges::find(moment.plans, series, &AssumedPlan::series) != moment.plans.end();
    if (!is_supposed || reads_[i].at != ReadAt::kTarget) continue;
    if (reads_[i].is_grid) {
      AssumePeriods(i, moment.plans);
    } else {
      AssumeRow(i, moment);
    }
  }
}

void FeatureComputer::AssumePeriods(std::size_t read, std::span<const AssumedPlan> plans) {
  const std::size_t series = look_ups_[reads_[read].look_up].series;
  SeriesView& view = views_[read];
  PlanView& plan = plans_[read];
  PeriodIndex first = view.target_period_;
  PeriodIndex last = first;
  if (plan.rows_.row_count > 0) {
    const PeriodIndex begin = plan.rows_.first_period;
    first = std::min(first, begin);
    last = std::max(last, begin + PeriodIndex{plan.rows_.row_count} - 1);
  }
  for (const AssumedPlan& one : plans) {
    if (one.series != series) continue;
    first = std::min(first, one.period);
    last = std::max(last, one.period);
  }
  const auto place = [first](PeriodIndex period) {
    return static_cast<std::ptrdiff_t>(period - first);
  };
  std::vector<std::vector<double>>& periods = supposed_[read].periods;
  std::vector<std::vector<double>>& past = past_[read];
  periods.resize(past.size());
  for (std::size_t column = 0; column < periods.size(); ++column) {
    std::vector<double>& values = periods[column];
    values.assign(static_cast<std::size_t>(place(last)) + 1, kMissingNumber);
    if (plan.rows_.row_count > 0) {
      std::ranges::copy(plan.All(column), values.begin() + place(plan.rows_.first_period));
    }
    for (const AssumedPlan& one : plans) {
      if (one.series != series || one.column != column) continue;
      values[static_cast<std::size_t>(place(one.period))] = std::get<double>(one.value);
    }
    past[column].assign(values.begin(), values.begin() + place(view.target_period_) + 1);
  }
  plan.assumed_ = &periods;
  plan.rows_.first_period = static_cast<std::int32_t>(first);
  plan.rows_.row_count = static_cast<std::uint32_t>(place(last)) + 1;
  view.row_ = view.row_.value_or(0);
  view.period_ = view.target_period_;
  view.past_ = &past;
}

void FeatureComputer::AssumeRow(std::size_t read, const FeatureMoment& moment) {
  const std::size_t series = look_ups_[reads_[read].look_up].series;
  SeriesView& view = views_[read];
  std::vector<Value>& values = supposed_[read].row;
  values.assign(series_[series].ValueSchema().columns.size(), Value());
  if (view.row_) {
    for (std::size_t column = 0; column < values.size(); ++column) {
      values[column] = view.snapshot_->ValueAt(column, *view.row_);
    }
  }
  for (const AssumedPlan& one : moment.plans) {
    if (one.series == series && one.period == moment.target_period) values[one.column] = one.value;
  }
  view.row_ = view.row_.value_or(0);
  view.past_ = &past_[read];
  view.assumed_ = &values;
}

Status FeatureComputer::Compute(std::span<const Snapshot> snapshots, const Table& rows,
                                std::size_t row, Instant now, std::span<Value> values,
                                SeriesMask& stale) {
  Select(snapshots, rows, row);
  return ComputeAt(MomentOf(rows, row, now), values, stale);
}

FeatureMoment FeatureComputer::MomentOf(const Table& rows, std::size_t row, Instant now) const {
  const Column& times = rows.column(time_column_);
  const Instant time = times.IsMissing(row) ? now : times.Timestamp(row);
  return {.origin = time, .target = time};
}

Status FeatureComputer::ReadAll(const FeatureMoment& moment, SeriesMask& stale) {
  for (std::size_t i = 0; i < reads_.size(); ++i) {
    Status fresh = CheckStaleness(reads_[i], moment, stale);
    if (!fresh) return fresh;
    ReadSeries(i, moment);
    if (!reads_[i].has_max_age) continue;
    Status young = CheckAge(reads_[i], views_[i], moment, stale);
    if (!young) return young;
  }
  if (!moment.plans.empty()) AssumePlans(moment);
  return {};
}

Status FeatureComputer::ComputeAt(const FeatureMoment& moment, std::span<Value> values,
                                  SeriesMask& stale) {
  RowContext context;
  context.origin.instant = moment.origin;
  context.target.instant = moment.target;
  if (needs_origin_civil_) context.origin.civil = zone_.ToCivil(moment.origin);
  if (needs_target_civil_) {
    context.target.civil = zone_.ToCivil(moment.target);
    for (const Period period : periods_) {
      target_period_[Number(period)] = PeriodOf(moment.target, context.target.civil, period);
    }
  }
  Status read = moment.known_by ? ReadAll(AsKnownBy(*moment.known_by, moment), stale)
                                : ReadAll(moment, stale);
  if (!read) return read;
  context.reads = views_;
  context.plans = plans_;
  context.request = rows_;
  context.request_row = row_;
  for (std::size_t i = 0; i < features_.size(); ++i) {
    context.features = values.first(i);
    values[i] = operators_[i]->Compute(context);
    if (!IsMissing(values[i]) || features_[i].keeps_missing) continue;
    if (!features_[i].when_missing) {
      return Missing(i, context);
    }
    values[i] = ViewOf(*features_[i].when_missing);
  }
  return {};
}

}  // namespace forkcast::preprocessing
