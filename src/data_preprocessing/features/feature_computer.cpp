#include "data_preprocessing/features/feature_computer.hpp"

#include <algorithm>

#include "data_preprocessing/series/key_codec.hpp"
#include "data_preprocessing/table/parse_value.hpp"

namespace forkcast::preprocessing {
namespace {

template <typename... Ts>
struct Overloaded : Ts... {
  using Ts::operator()...;
};
template <typename... Ts>
Overloaded(Ts...) -> Overloaded<Ts...>;

}  // namespace

FeatureComputer::FeatureComputer(std::span<const FeatureSpec> features,
                                 std::span<const SeriesSpec> series, const RequestSpec& request,
                                 const TimeZone& zone)
    : features_(features),
      series_(series),
      request_(request),
      zone_(zone),
      time_column_(*request.fields.Find(request.time)) {
  const auto column_of = [this](const AsOfOp& op, std::size_t read) {
    return *series_[reads_[read].series].ValueSchema().Find(op.value);
  };
  for (std::size_t i = 0; i < features_.size(); ++i) {
    operators_.push_back(
        std::visit(Overloaded{[&](const AsOfOp& op) {
                                const std::size_t read = AddRead(op, i);
                                return MakeAsOf(read, column_of(op, read));
                              },
                              [&](const ReachedOp& op) {
                                const std::size_t read = AddRead(op.instant, i);
                                return MakeReached(read, column_of(op.instant, read));
                              },
                              [](const CalendarOp& op) { return MakeCalendar(op.part); }},
                   features_[i].op));
    needs_civil_time_ = needs_civil_time_ || operators_.back()->needs_civil_time();
  }
  found_.resize(reads_.size());
}

std::size_t FeatureComputer::AddRead(const AsOfOp& op, std::size_t feature) {
  Read read;
  read.series = static_cast<std::size_t>(std::ranges::find(series_, op.series, &SeriesSpec::name) -
                                         series_.begin());
  read.first_feature = feature;
  for (const std::string& field : op.key) read.key_columns.push_back(*request_.fields.Find(field));
  const auto same = std::ranges::find_if(reads_, [&read](const Read& other) {
    return other.series == read.series && other.key_columns == read.key_columns;
  });
  if (same != reads_.end()) return static_cast<std::size_t>(same - reads_.begin());
  reads_.push_back(std::move(read));
  return reads_.size() - 1;
}

void FeatureComputer::LookUp(const Read& read, const Table& rows, std::size_t row, Instant time,
                             SeriesRead& found) {
  found.row.reset();
  key_values_.clear();
  for (const std::size_t column : read.key_columns) {
    key_values_.push_back(ValueAt(rows.column(column), row));
    if (IsMissing(key_values_.back())) return;
  }
  const auto key_rows = found.snapshot->Find(EncodeKey(key_values_, key_bytes_));
  if (key_rows) found.row = found.snapshot->AsOf(*key_rows, time);
}

Status FeatureComputer::CheckStaleness(const Read& read, const Snapshot& snapshot, Instant time,
                                       SeriesMask& stale) const {
  const SeriesSpec& series = series_[read.series];
  if (series.is_static() || !series.max_staleness || series.when_stale == WhenStale::kServe) {
    return {};
  }
  const std::optional<Instant> watermark = snapshot.watermark();
  if (watermark && time - *watermark <= *series.max_staleness) return {};
  if (series.when_stale == WhenStale::kFlag) {
    stale |= SeriesMask{1} << read.series;
    return {};
  }
  std::string message = "the newest data of series \"" + series.name + "\"";
  if (watermark) {
    message += " are of ";
    AppendIsoTimestamp(*watermark, message);
    message += ", too old for ";
    AppendIsoTimestamp(time, message);
  } else {
    message += " are none";
  }
  return Error{ErrorCode::kFeatureStale, std::move(message), features_[read.first_feature].name};
}

Status FeatureComputer::Compute(std::span<const Snapshot> snapshots, const Table& rows,
                                std::size_t row, Instant now, std::span<Value> values,
                                SeriesMask& stale) {
  RowContext context;
  context.reads = found_;
  const Column& times = rows.column(time_column_);
  context.time = times.IsMissing(row) ? now : times.Timestamp(row);
  if (needs_civil_time_) context.civil = zone_.ToCivil(context.time);
  for (std::size_t i = 0; i < reads_.size(); ++i) {
    found_[i].snapshot = &snapshots[reads_[i].series];
    Status fresh = CheckStaleness(reads_[i], *found_[i].snapshot, context.time, stale);
    if (!fresh) return fresh;
    LookUp(reads_[i], rows, row, context.time, found_[i]);
  }
  for (std::size_t i = 0; i < features_.size(); ++i) {
    values[i] = operators_[i]->Compute(context);
    if (!IsMissing(values[i])) continue;
    if (!features_[i].when_missing) {
      return Error{ErrorCode::kFeatureMissing,
                   "feature cannot be computed: no data for it at the request's time",
                   features_[i].name};
    }
    values[i] = ViewOf(*features_[i].when_missing);
  }
  return {};
}

}  // namespace forkcast::preprocessing
