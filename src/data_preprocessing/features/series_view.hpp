#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <vector>

#include "data_preprocessing/series/period.hpp"
#include "data_preprocessing/series/snapshot.hpp"
#include "data_preprocessing/table/value.hpp"

namespace forkcast::preprocessing {

inline constexpr double kMissingNumber = std::numeric_limits<double>::quiet_NaN();

/// What an operator sees of one key of one series: the rows up to the one in force. There is no way
/// from here to a later one, so a feature cannot look ahead. Only a FeatureComputer fills it.
/// Functions on periods have a series with `aggregate` as their precondition.
class SeriesView {
 public:
  /// Value of column `column` (position in the series' values) in the row in force; missing without
  /// such a row.
  [[nodiscard]] Value InForce(std::size_t column) const noexcept {
    if (!row_) return {};
    if (past_ == nullptr) return snapshot_->ValueAt(column, *row_);
    if (assumed_ != nullptr) return (*assumed_)[column];
    const double last = (*past_)[column].back();
    return last == last ? Value(last) : Value();
  }

  /// The values of `column` from the key's first period to period 0, the one in force, which is the
  /// last element; NaN where missing. Empty without a row in force.
  [[nodiscard]] std::span<const double> Past(std::size_t column) const noexcept {
    if (!row_) return {};
    if (past_ != nullptr) return (*past_)[column];
    return snapshot_->Doubles(rows_, column).first(*row_ - rows_.row_begin + 1);
  }
  /// Of Past(), the `count` values that end with the one `lag` - 1 periods before period 0; fewer
  /// where the key's periods begin later.
  [[nodiscard]] std::span<const double> Window(std::size_t column, int lag,
                                               int count) const noexcept {
    const std::span<const double> past = Past(column);
    const auto end = static_cast<std::int64_t>(past.size()) - lag + 1;
    if (end <= 0) return {};
    const std::int64_t begin = std::max<std::int64_t>(0, end - count);
    return past.subspan(static_cast<std::size_t>(begin), static_cast<std::size_t>(end - begin));
  }
  /// The value `back` periods before period 0; NaN when it is missing or before the key's first.
  [[nodiscard]] double Back(std::size_t column, std::int64_t back) const noexcept {
    const std::span<const double> past = Past(column);
    if (back < 0 || back >= static_cast<std::int64_t>(past.size())) return kMissingNumber;
    return past[past.size() - 1 - static_cast<std::size_t>(back)];
  }
  /// The number of period 0. Precondition: a row is in force.
  [[nodiscard]] PeriodIndex period() const noexcept { return period_; }
  /// The number of the period that holds the row's target.
  [[nodiscard]] PeriodIndex target_period() const noexcept { return target_period_; }

 private:
  friend class FeatureComputer;
  friend class SeriesViews;

  const Snapshot* snapshot_ = nullptr;
  Snapshot::KeyRows rows_;
  std::optional<std::uint64_t> row_;
  PeriodIndex period_ = 0;
  PeriodIndex target_period_ = 0;
  // Past() by column where it is not what the snapshot has: values as they were known at the
  // origin, and assumed ones behind the known; else null.
  const std::vector<std::vector<double>>* past_ = nullptr;
  // Of a plan without periods the values of all columns, where one is assumed; past_ is set then.
  const std::vector<Value>* assumed_ = nullptr;
};

/// What an operator sees of one key of a series with `aggregate` that is known in advance: all its
/// periods, counted from the target's. Only a FeatureComputer fills it.
class PlanView {
 public:
  /// The values of `column` in all periods of the key, first_period() and on; NaN where missing.
  [[nodiscard]] std::span<const double> All(std::size_t column) const noexcept {
    if (assumed_ != nullptr) return (*assumed_)[column];
    return snapshot_->Doubles(rows_, column);
  }
  [[nodiscard]] PeriodIndex first_period() const noexcept { return rows_.first_period; }
  /// The value of `column` in one period; NaN when it is missing or the key has no such period.
  [[nodiscard]] double In(std::size_t column, PeriodIndex period) const noexcept {
    const auto offset = static_cast<std::uint64_t>(period - rows_.first_period);
    return offset < rows_.row_count ? All(column)[offset] : kMissingNumber;
  }
  [[nodiscard]] PeriodIndex target_period() const noexcept { return target_period_; }

 private:
  friend class FeatureComputer;
  friend class SeriesViews;

  const Snapshot* snapshot_ = nullptr;
  Snapshot::KeyRows rows_;  // without any for an unknown key
  PeriodIndex target_period_ = 0;
  // All() by column where some is assumed; else null.
  const std::vector<std::vector<double>>* assumed_ = nullptr;
};

/// What many rows see of one key of one series, each as of its own moment: for operators that
/// compute them together. Only a FeatureComputer fills it. Rows are numbered from 0.
class SeriesViews {
 public:
  [[nodiscard]] std::size_t size() const noexcept { return rows_in_force_.size(); }
  /// What row `row` sees.
  [[nodiscard]] SeriesView At(std::size_t row) const noexcept {
    SeriesView view;
    view.snapshot_ = snapshot_;
    view.rows_ = rows_;
    if (!target_periods_.empty()) view.target_period_ = target_periods_[row];
    if (rows_in_force_[row] == kNone) return view;
    view.row_ = rows_in_force_[row];
    view.period_ =
        rows_.first_period + static_cast<PeriodIndex>(rows_in_force_[row] - rows_.row_begin);
    return view;
  }
  [[nodiscard]] PlanView PlanAt(std::size_t row) const noexcept {
    PlanView plan;
    plan.snapshot_ = snapshot_;
    plan.rows_ = rows_;
    if (!target_periods_.empty()) plan.target_period_ = target_periods_[row];
    return plan;
  }

  /// Of a series with `aggregate`: the values of `column` in all periods of the key, of which row
  /// `row` sees the first SeenBy(row), as SeriesView::Past(), and an operator reads no others.
  [[nodiscard]] std::span<const double> Values(std::size_t column) const noexcept {
    return snapshot_->Doubles(rows_, column);
  }
  /// The number of the first of these periods.
  [[nodiscard]] PeriodIndex first_period() const noexcept { return rows_.first_period; }
  /// The number of the period that holds the target of row `row`.
  [[nodiscard]] PeriodIndex TargetOf(std::size_t row) const noexcept {
    return target_periods_[row];
  }
  [[nodiscard]] std::size_t SeenBy(std::size_t row) const noexcept {
    return rows_in_force_[row] == kNone
               ? 0
               : static_cast<std::size_t>(rows_in_force_[row] - rows_.row_begin + 1);
  }

 private:
  friend class FeatureComputer;

  static constexpr std::uint64_t kNone = std::numeric_limits<std::uint64_t>::max();

  const Snapshot* snapshot_ = nullptr;
  Snapshot::KeyRows rows_;  // without any for an unknown key
  std::vector<std::uint64_t> rows_in_force_;
  std::span<const PeriodIndex> target_periods_;  // of a series with `aggregate`
};

}  // namespace forkcast::preprocessing
