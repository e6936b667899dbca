#include "data_preprocessing/features/feature_operator.hpp"

namespace forkcast::preprocessing {
namespace {

class AsOf final : public FeatureOperator {
 public:
  explicit AsOf(SeriesColumn from) noexcept : from_(from) {}

  [[nodiscard]] Value Compute(const RowContext& row) const noexcept override {
    return row.reads[from_.read].InForce(from_.column);
  }

 private:
  SeriesColumn from_;
};

class Reached final : public FeatureOperator {
 public:
  Reached(SeriesColumn from, ReadAt at) noexcept : instant_(from), at_(at) {}

  [[nodiscard]] Value Compute(const RowContext& row) const noexcept override {
    const Value instant = instant_.Compute(row);
    const auto* reached = std::get_if<Instant>(&instant);
    if (reached == nullptr) return {};
    return *reached <= row.At(at_).instant;
  }

 private:
  AsOf instant_;
  ReadAt at_;
};

class TimeDistance final : public FeatureOperator {
 public:
  TimeDistance(SeriesColumn from, const TimeDistanceOp& op) noexcept
      : instant_(from), at_(op.instant.at), direction_(op.direction), unit_(op.unit) {}

  [[nodiscard]] Value Compute(const RowContext& row) const noexcept override {
    const Value instant = instant_.Compute(row);
    const auto* other = std::get_if<Instant>(&instant);
    if (other == nullptr) return {};
    // As doubles: the difference of two instants of a table may not fit into 64 bits.
    const double since =
        static_cast<double>(ToMicros(row.At(at_).instant)) - static_cast<double>(ToMicros(*other));
    const double units = since / static_cast<double>(unit_.count());
    return direction_ == TimeDistanceOp::Direction::kSince ? units : 0 - units;
  }

 private:
  AsOf instant_;
  ReadAt at_;
  TimeDistanceOp::Direction direction_;
  std::chrono::microseconds unit_;
};

}  // namespace

std::unique_ptr<FeatureOperator> MakeAsOf(SeriesColumn from) {
  return std::make_unique<AsOf>(from);
}

std::unique_ptr<FeatureOperator> MakeReached(SeriesColumn from, ReadAt at) {
  return std::make_unique<Reached>(from, at);
}

std::unique_ptr<FeatureOperator> MakeTimeDistance(SeriesColumn from, const TimeDistanceOp& op) {
  return std::make_unique<TimeDistance>(from, op);
}

}  // namespace forkcast::preprocessing
