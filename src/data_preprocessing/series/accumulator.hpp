#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include "data_preprocessing/series/aggregate_spec.hpp"

namespace forkcast::preprocessing {

/// One value of many cells (a key's period) while rows are taken into them. What is kept of a cell
/// is all that rows to come need, so that a copy goes on exactly where the original was.
class Accumulator {
 public:
  explicit Accumulator(AggregateOp op) : op_(op) {}

  [[nodiscard]] std::size_t size() const noexcept { return numbers_.size(); }
  /// A new last cell without rows.
  void Append() {
    numbers_.push_back(0);
    counts_.push_back(0);
    if (KeepsTimes(op_)) times_.push_back(0);
  }
  /// A new last cell as `other`, of the same operation, has it at `cell`.
  void Append(const Accumulator& other, std::size_t cell) {
    numbers_.push_back(other.numbers_[cell]);
    counts_.push_back(other.counts_[cell]);
    if (KeepsTimes(op_)) times_.push_back(other.times_[cell]);
  }

  /// `number`: NaN is missing, and not taken; of kCount it counts for nothing else.
  void Take(std::size_t cell, double number, std::int64_t time) noexcept {
    if (std::isnan(number)) return;
    double& held = numbers_[cell];
    const bool is_first = counts_[cell]++ == 0;
    switch (op_) {
      case AggregateOp::kSum:
      case AggregateOp::kMean:
        held += number;
        return;
      case AggregateOp::kMin:
        if (is_first || number < held) held = number;
        return;
      case AggregateOp::kMax:
        if (is_first || number > held) held = number;
        return;
      case AggregateOp::kFirst:
        if (is_first || time < times_[cell]) Hold(cell, number, time);
        return;
      case AggregateOp::kLast:
        if (is_first || time >= times_[cell]) Hold(cell, number, time);
        return;
      case AggregateOp::kOnly:
      case AggregateOp::kCount:
        held = number;
        return;
    }
  }

  [[nodiscard]] std::uint32_t count(std::size_t cell) const noexcept { return counts_[cell]; }

  /// NaN where no row was taken.
  [[nodiscard]] double ValueAt(std::size_t cell) const noexcept {
    const std::uint32_t count = counts_[cell];
    if (count == 0) return std::numeric_limits<double>::quiet_NaN();
    if (op_ == AggregateOp::kCount) return count;
    return op_ == AggregateOp::kMean ? numbers_[cell] / count : numbers_[cell];
  }

  /// Its arrays, one behind the other: to be kept, and to go on with.
  template <typename Visit>
  void VisitArrays(const Visit& visit) const {
    visit(numbers_);
    visit(counts_);
    visit(times_);
  }
  template <typename Visit>
  void VisitArrays(const Visit& visit) {
    visit(numbers_);
    visit(counts_);
    visit(times_);
  }
  /// Whether all arrays are as long as they are of `cells` cells.
  [[nodiscard]] bool IsOf(std::size_t cells) const noexcept {
    return numbers_.size() == cells && counts_.size() == cells &&
           times_.size() == (KeepsTimes(op_) ? cells : 0);
  }

 private:
  void Hold(std::size_t cell, double number, std::int64_t time) noexcept {
    numbers_[cell] = number;
    times_[cell] = time;
  }

  AggregateOp op_;
  std::vector<double> numbers_;
  std::vector<std::uint32_t> counts_;
  std::vector<std::int64_t> times_;  // of the row held; empty where no operation asks
};

}  // namespace forkcast::preprocessing
