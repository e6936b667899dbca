#include "data_preprocessing/series/grid_reader.hpp"

#include <algorithm>
#include <limits>

#include "data_preprocessing/series/key_codec.hpp"

namespace forkcast::preprocessing {

GridReader::GridReader(const SeriesSpec& spec, const Snapshot& snapshot, const TimeZone& zone)
    : spec_(spec), snapshot_(snapshot), zone_(zone), key_types_(spec.KeyTypes()) {}

std::vector<Value> GridReader::KeyValues(std::size_t key) const {
  std::vector<Value> values(key_types_.size());
  DecodeKey(snapshot_.KeyBytesAt(key), key_types_, values);
  return values;
}

std::optional<std::size_t> GridReader::FindKey(std::span<const Value> values) const {
  std::string scratch;
  return snapshot_.FindNumber(EncodeKey(values, scratch));
}

std::size_t GridReader::PeriodCount(std::size_t key) const noexcept {
  return snapshot_.RowsAt(key).row_count;
}

PeriodIndex GridReader::FirstPeriod(std::size_t key) const noexcept {
  return snapshot_.RowsAt(key).first_period;
}

PeriodIndex GridReader::LastPeriod(std::size_t key) const noexcept {
  const Snapshot::KeyRows rows = snapshot_.RowsAt(key);
  return PeriodIndex{rows.first_period} + rows.row_count - 1;
}

std::optional<GridReader::Range> GridReader::AllPeriods() const noexcept {
  if (key_count() == 0) return std::nullopt;
  Range all{.first = FirstPeriod(0), .last = LastPeriod(0)};
  for (std::size_t key = 1; key < key_count(); ++key) {
    all.first = std::min(all.first, FirstPeriod(key));
    all.last = std::max(all.last, LastPeriod(key));
  }
  return all;
}

std::span<const double> GridReader::Values(std::size_t key, std::size_t column) const noexcept {
  return snapshot_.Doubles(snapshot_.RowsAt(key), column);
}

std::span<const double> GridReader::ValuesUpTo(std::size_t key, std::size_t column,
                                               PeriodIndex last) const noexcept {
  const std::span<const double> values = Values(key, column);
  const PeriodIndex known = last - FirstPeriod(key) + 1;
  return values.first(static_cast<std::size_t>(
      std::clamp<PeriodIndex>(known, 0, static_cast<PeriodIndex>(values.size()))));
}

double GridReader::ValueIn(std::size_t key, std::size_t column, PeriodIndex period) const noexcept {
  if (period < FirstPeriod(key) || period > LastPeriod(key)) {
    return std::numeric_limits<double>::quiet_NaN();
  }
  return Values(key, column)[static_cast<std::size_t>(period - FirstPeriod(key))];
}

PeriodIndex GridReader::PeriodOf(Instant instant) const {
  return preprocessing::PeriodOf(instant, spec_.aggregate->period, zone_);
}

Instant GridReader::StartOf(PeriodIndex period) const {
  return preprocessing::StartOf(period, spec_.aggregate->period, zone_);
}

Instant GridReader::VisibleFrom(PeriodIndex period) const {
  return StartOf(period + 1) + spec_.delay;
}

PeriodIndex GridReader::LastVisibleAt(Instant instant) const {
  return PeriodOf(instant - spec_.delay) - 1;
}

}  // namespace forkcast::preprocessing
