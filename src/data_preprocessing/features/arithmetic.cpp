#include "data_preprocessing/features/feature_operator.hpp"

namespace forkcast::preprocessing {
namespace {

double NumberOf(const Value& value) noexcept {
  if (const auto* number = std::get_if<double>(&value)) return *number;
  if (const auto* integer = std::get_if<std::int64_t>(&value)) return static_cast<double>(*integer);
  return kMissingNumber;
}

class Arithmetic final : public FeatureOperator {
 public:
  Arithmetic(ArithmeticOp::Kind kind, std::size_t left, std::size_t right) noexcept
      : kind_(kind), left_(left), right_(right) {}

  [[nodiscard]] Value Compute(const RowContext& row) const noexcept override {
    const double left = NumberOf(row.features[left_]);
    const double right = NumberOf(row.features[right_]);
    switch (kind_) {
      case ArithmeticOp::Kind::kSubtract:
        return ToFeature(left - right);
      case ArithmeticOp::Kind::kDivide:
        return ToFeature(left / right);
      case ArithmeticOp::Kind::kMultiply:
        return ToFeature(left * right);
    }
    return {};
  }

 private:
  ArithmeticOp::Kind kind_;
  std::size_t left_;
  std::size_t right_;
};

}  // namespace

std::unique_ptr<FeatureOperator> MakeArithmetic(ArithmeticOp::Kind kind, std::size_t left,
                                                std::size_t right) {
  return std::make_unique<Arithmetic>(kind, left, right);
}

}  // namespace forkcast::preprocessing
