// Features of many rows of one key, by column. A row that is read by itself pays for what is alike
// in its neighbours: the same searches one period further, the same calls, the same calendar. Here
// each is done once for all, and the operators' own numbers are those of FeatureComputer::ComputeAt
// bit for bit: whatever is out of the ordinary of a row (old data, revised periods, a feature that
// may not be missing) sends it there.

#include <algorithm>
#include <cmath>
#include <utility>

#include "data_preprocessing/features/feature_computer.hpp"
#include "data_preprocessing/features/staleness.hpp"

namespace forkcast::preprocessing {

FeatureMoments FeatureComputer::Prepare(std::vector<FeatureMoment> moments) const {
  FeatureMoments prepared;
  prepared.moments_ = std::move(moments);
  for (const FeatureMoment& moment : prepared.moments_) {
    WallTime& origin = prepared.origins_.emplace_back();
    WallTime& target = prepared.targets_.emplace_back();
    origin.instant = moment.origin;
    target.instant = moment.target;
    if (needs_origin_civil_) origin.civil = zone_.ToCivil(moment.origin);
    if (needs_target_civil_) target.civil = zone_.ToCivil(moment.target);
    for (const Period period : periods_) {
      prepared.target_periods_[static_cast<std::size_t>(period)].push_back(
          PeriodOf(moment.target, target.civil, period));
    }
  }
  prepared.features_.resize(features_.size());
  for (std::size_t i = 0; i < features_.size(); ++i) {
    if (!operators_[i]->IsOfMoment()) continue;
    RowContext row;
    for (std::size_t moment = 0; moment < prepared.size(); ++moment) {
      row.origin = prepared.origins_[moment];
      row.target = prepared.targets_[moment];
      prepared.features_[i].push_back(FeatureColumn::NumberIn(operators_[i]->Compute(row)));
    }
  }
  return prepared;
}

void FeatureComputer::ComputeColumns(const FeatureMoments& moments, std::size_t first,
                                     std::size_t count, FeatureColumns& columns) {
  columns.row_count_ = count;
  columns.columns_.resize(features_.size());
  columns.refused_.clear();
  by_itself_.assign(count, 0);
  many_.resize(reads_.size());
  for (std::size_t read = 0; read < reads_.size(); ++read) {
    ReadMany(read, moments, first, count);
    MarkOld(read, moments, first);
  }
  const ColumnContext context{.reads = many_, .features = columns.columns_};
  for (std::size_t i = 0; i < features_.size(); ++i) {
    FeatureColumn& column = columns.columns_[i];
    column.is_number = true;
    column.numbers.resize(count);
    if (operators_[i]->IsOfMoment()) {
      const auto known = std::span(moments.features_[i]).subspan(first, count);
      std::ranges::copy(known, column.numbers.begin());
    } else if (!operators_[i]->ComputeColumn(context, column.numbers)) {
      column.is_number = false;
      column.values.resize(count);
      ComputeByRow(i, moments, first, column);
    }
    FillMissing(i, column);
  }
  for (std::size_t row = 0; row < count; ++row) {
    if (by_itself_[row] != 0) ComputeByItself(moments.moments_[first + row], row, columns);
  }
}

void FeatureComputer::ReadMany(std::size_t number, const FeatureMoments& moments, std::size_t first,
                               std::size_t count) {
  const Read& read = reads_[number];
  const Found& found = found_[read.look_up];
  SeriesViews& views = many_[number];
  views.snapshot_ = found.snapshot;
  views.rows_ = found.rows.value_or(Snapshot::KeyRows{});
  views.rows_in_force_.assign(count, SeriesViews::kNone);
  views.target_periods_ = {};
  if (read.is_grid) {
    const Period period = series_[look_ups_[read.look_up].series].aggregate->period;
    views.target_periods_ =
        std::span(moments.target_periods_[static_cast<std::size_t>(period)]).subspan(first, count);
  }
  if (!found.rows) return;
  std::optional<std::uint64_t> before;
  for (std::size_t row = 0; row < count; ++row) {
    const FeatureMoment& moment = moments.moments_[first + row];
    const std::optional<std::uint64_t> in_force = read.is_grid && read.at == ReadAt::kOrigin
                                                      ? PeriodInForce(views, moment.origin, before)
                                                      : RowInForce(read, views, row, moment);
    before = in_force;
    if (in_force) views.rows_in_force_[row] = *in_force;
    if (read.is_grid && read.at == ReadAt::kOrigin && in_force &&
        found.snapshot->IsRevisedAfter(views.rows_, moment.origin)) {
      by_itself_[row] = 1;
    }
  }
}

std::optional<std::uint64_t> FeatureComputer::PeriodInForce(
    const SeriesViews& views, Instant origin, std::optional<std::uint64_t> before) noexcept {
  const Snapshot& snapshot = *views.snapshot_;
  // Of the origin before, or the one behind it: a few steps are sooner made than a search.
  constexpr int kSteps = 4;
  if (before && snapshot.AgesFrom(*before) <= origin) {
    const std::uint64_t end = views.rows_.row_begin + views.rows_.row_count;
    std::uint64_t row = *before;
    for (int step = 0; step < kSteps; ++step) {
      if (row + 1 == end || snapshot.AgesFrom(row + 1) > origin) return row;
      ++row;
    }
  }
  return snapshot.AsOf(views.rows_, origin);
}

std::optional<std::uint64_t> FeatureComputer::RowInForce(const Read& read, const SeriesViews& views,
                                                         std::size_t row,
                                                         const FeatureMoment& moment) const {
  if (read.at == ReadAt::kOrigin) return RowAsOf(read, views.rows_, moment);
  if (!read.is_grid) return PlannedAt(read, views.rows_, moment);
  return RowOfTarget(views.rows_, views.target_periods_[row]);
}

void FeatureComputer::MarkOld(std::size_t number, const FeatureMoments& moments,
                              std::size_t first) {
  const Read& read = reads_[number];
  const SeriesSpec& series = series_[look_ups_[read.look_up].series];
  const bool grows_old = !series.is_static() && series.max_staleness.has_value();
  if (!grows_old && !read.has_max_age) return;
  const Snapshot& snapshot = *found_[read.look_up].snapshot;
  const std::optional<Instant> watermark =
      IsByTarget(read) ? snapshot.watermark() : snapshot.up_to_date();
  const SeriesViews& views = many_[number];
  for (std::size_t row = 0; row < views.size(); ++row) {
    const Instant time = AskedAt(read, moments.moments_[first + row]);
    bool is_old = grows_old && StalenessAt(series, watermark, time) != WhenStale::kServe;
    const std::uint64_t in_force = views.rows_in_force_[row];
    if (read.has_max_age && in_force != SeriesViews::kNone) {
      is_old |= AgeRuleAt(series, snapshot.AgesFrom(in_force), time) != WhenStale::kServe;
    }
    if (is_old) by_itself_[row] = 1;
  }
}

void FeatureComputer::ComputeByRow(std::size_t feature, const FeatureMoments& moments,
                                   std::size_t first, FeatureColumn& column) {
  RowContext row;
  row.request = rows_;
  row.request_row = row_;
  row.reads = views_;
  row.plans = plans_;
  for (std::size_t i = 0; i < column.values.size(); ++i) {
    row.origin = moments.origins_[first + i];
    row.target = moments.targets_[first + i];
    for (const std::size_t read : reads_of_[feature]) {
      views_[read] = many_[read].At(i);
      plans_[read] = many_[read].PlanAt(i);
    }
    column.values[i] = operators_[feature]->Compute(row);
  }
}

void FeatureComputer::FillMissing(std::size_t feature, FeatureColumn& column) {
  const FeatureSpec& spec = features_[feature];
  if (spec.keeps_missing) return;
  const auto is_missing = [&column](std::size_t row) {
    return column.is_number ? std::isnan(column.numbers[row]) : IsMissing(column.values[row]);
  };
  for (std::size_t row = 0; row < by_itself_.size(); ++row) {
    if (!is_missing(row)) continue;
    if (!spec.when_missing) {
      by_itself_[row] = 1;
    } else if (column.is_number) {
      column.numbers[row] = FeatureColumn::NumberIn(ViewOf(*spec.when_missing));
    } else {
      column.values[row] = ViewOf(*spec.when_missing);
    }
  }
}

void FeatureComputer::ComputeByItself(const FeatureMoment& moment, std::size_t row,
                                      FeatureColumns& columns) {
  values_.resize(features_.size());
  SeriesMask stale = 0;
  Status computed = ComputeAt(moment, values_, stale);
  if (!computed) {
    columns.refused_.push_back({row, std::move(computed).error()});
    return;
  }
  for (std::size_t i = 0; i < values_.size(); ++i) {
    FeatureColumn& column = columns.columns_[i];
    if (column.is_number) {
      column.numbers[row] = FeatureColumn::NumberIn(values_[i]);
    } else {
      column.values[row] = values_[i];
    }
  }
}

}  // namespace forkcast::preprocessing
