#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "data_preprocessing/series/series_spec.hpp"
#include "data_preprocessing/series/snapshot.hpp"

namespace forkcast::preprocessing {

/// A series with `aggregate` as whoever trains and judges forecasts sees it: all keys, all periods,
/// also later ones than any origin. Features do not read it; they see a SeriesView.
/// Keys are numbered in order of first appearance, the same on every run over the same rows.
/// Cheap to make and to copy; thread-safe. Views what it was made of, which must outlive it.
class GridReader {
 public:
  /// Precondition: spec.aggregate, and `snapshot` is a snapshot of `spec`.
  GridReader(const SeriesSpec& spec, const Snapshot& snapshot, const TimeZone& zone);

  [[nodiscard]] std::size_t key_count() const noexcept { return snapshot_.key_count(); }
  /// Values of the key's columns, in the order of spec.key; texts are views into the snapshot.
  [[nodiscard]] std::vector<Value> KeyValues(std::size_t key) const;
  /// The same as EncodeKey() has them, a view into the snapshot.
  [[nodiscard]] std::string_view KeyBytes(std::size_t key) const noexcept {
    return snapshot_.KeyBytesAt(key);
  }
  /// Number of the key with these values; none when it has no period.
  [[nodiscard]] std::optional<std::size_t> FindKey(std::span<const Value> values) const;

  /// Periods of the key; at least one. They follow one another without gaps.
  [[nodiscard]] std::size_t PeriodCount(std::size_t key) const noexcept;
  [[nodiscard]] PeriodIndex FirstPeriod(std::size_t key) const noexcept;
  [[nodiscard]] PeriodIndex LastPeriod(std::size_t key) const noexcept;
  /// First and last period of all keys; none without any.
  struct Range {
    PeriodIndex first = 0;
    PeriodIndex last = 0;
    friend bool operator==(const Range&, const Range&) = default;
  };
  [[nodiscard]] std::optional<Range> AllPeriods() const noexcept;

  /// The values of one column (position in spec.aggregate->values) in all periods of the key,
  /// oldest first; NaN where missing.
  [[nodiscard]] std::span<const double> Values(std::size_t key, std::size_t column) const noexcept;
  /// Those up to and with period `last`.
  [[nodiscard]] std::span<const double> ValuesUpTo(std::size_t key, std::size_t column,
                                                   PeriodIndex last) const noexcept;
  /// The same of one period; NaN also for a period that the key does not have.
  [[nodiscard]] double ValueIn(std::size_t key, std::size_t column,
                               PeriodIndex period) const noexcept;

  [[nodiscard]] PeriodIndex PeriodOf(Instant instant) const;
  [[nodiscard]] Instant StartOf(PeriodIndex period) const;
  /// From when a period's row is visible: the period's end and the series' delay. As an origin it
  /// makes `period` the last known one.
  [[nodiscard]] Instant VisibleFrom(PeriodIndex period) const;
  /// The last period visible at an instant, whether or not there are data of it: the greatest whose
  /// VisibleFrom() is not later.
  [[nodiscard]] PeriodIndex LastVisibleAt(Instant instant) const;
  /// VisibleFrom() the last period of all; none without any.
  [[nodiscard]] std::optional<Instant> watermark() const noexcept { return snapshot_.watermark(); }
  /// As Snapshot::up_to_date().
  [[nodiscard]] std::optional<Instant> up_to_date() const noexcept {
    return snapshot_.up_to_date();
  }
  /// As Snapshot::WatermarkBy().
  [[nodiscard]] std::optional<Instant> WatermarkBy(Instant time) const noexcept {
    return snapshot_.WatermarkBy(time);
  }

 private:
  const SeriesSpec& spec_;
  const Snapshot& snapshot_;
  const TimeZone& zone_;
  std::vector<ColumnType> key_types_;
};

}  // namespace forkcast::preprocessing
