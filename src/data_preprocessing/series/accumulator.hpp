#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <utility>
#include <vector>

#include "data_preprocessing/series/aggregate_spec.hpp"

namespace forkcast::preprocessing {

/// One value of all periods while rows are taken into it.
class Accumulator {
 public:
  Accumulator(AggregateOp op, std::size_t cells)
      : op_(op),
        numbers_(cells),
        counts_(cells),
        times_(op == AggregateOp::kFirst || op == AggregateOp::kLast ? cells : 0) {}

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
  [[nodiscard]] std::vector<double> TakeResult() && {
    for (std::size_t cell = 0; cell < numbers_.size(); ++cell) {
      const std::uint32_t count = counts_[cell];
      if (count == 0) numbers_[cell] = std::numeric_limits<double>::quiet_NaN();
      if (op_ == AggregateOp::kCount && count != 0) numbers_[cell] = count;
      if (op_ == AggregateOp::kMean) numbers_[cell] /= count;
    }
    return std::move(numbers_);
  }

 private:
  void Hold(std::size_t cell, double number, std::int64_t time) noexcept {
    numbers_[cell] = number;
    times_[cell] = time;
  }

  AggregateOp op_;
  std::vector<double> numbers_;
  std::vector<std::uint32_t> counts_;
  std::vector<std::int64_t> times_;
};

}  // namespace forkcast::preprocessing
