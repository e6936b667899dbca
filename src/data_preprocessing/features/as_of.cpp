#include "data_preprocessing/features/feature_operator.hpp"

namespace forkcast::preprocessing {
namespace {

class AsOf final : public FeatureOperator {
 public:
  AsOf(std::size_t read, std::size_t column) noexcept : read_(read), column_(column) {}

  [[nodiscard]] Value Compute(const RowContext& row) const noexcept override {
    const SeriesRead& read = row.reads[read_];
    return read.row ? read.snapshot->ValueAt(column_, *read.row) : Value();
  }

 private:
  std::size_t read_;
  std::size_t column_;
};

class Reached final : public FeatureOperator {
 public:
  Reached(std::size_t read, std::size_t column) noexcept : instant_(read, column) {}

  [[nodiscard]] Value Compute(const RowContext& row) const noexcept override {
    const Value instant = instant_.Compute(row);
    const auto* reached = std::get_if<Instant>(&instant);
    if (reached == nullptr) return {};
    return *reached <= row.time;
  }

 private:
  AsOf instant_;
};

}  // namespace

std::unique_ptr<FeatureOperator> MakeAsOf(std::size_t read, std::size_t column) {
  return std::make_unique<AsOf>(read, column);
}

std::unique_ptr<FeatureOperator> MakeReached(std::size_t read, std::size_t column) {
  return std::make_unique<Reached>(read, column);
}

}  // namespace forkcast::preprocessing
