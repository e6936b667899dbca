#include "data_preprocessing/features/feature_declaration.hpp"

namespace forkcast::preprocessing {
namespace {

enum class Kind { kSubtract, kDivide, kMultiply };

/// Of two number features named before; missing when either is or the result is not finite.
class Arithmetic final : public FeatureOperator {
 public:
  Arithmetic(Kind kind, std::size_t left, std::size_t right) noexcept
      : kind_(kind), left_(left), right_(right) {}

  [[nodiscard]] Value Compute(const RowContext& row) const noexcept override {
    return ToFeature(Of(FeatureColumn::NumberIn(row.features[left_]),
                        FeatureColumn::NumberIn(row.features[right_])));
  }
  [[nodiscard]] bool ComputeColumn(const ColumnContext& context,
                                   std::span<double> numbers) const override {
    const FeatureColumn& left = context.features[left_];
    const FeatureColumn& right = context.features[right_];
    for (std::size_t row = 0; row < numbers.size(); ++row) {
      numbers[row] = FiniteOrMissing(Of(left.NumberAt(row), right.NumberAt(row)));
    }
    return true;
  }
  void AddNeeds(const RowContext&, FeatureNeeds& needs) const override {
    needs.features.push_back(left_);
    needs.features.push_back(right_);
  }

 private:
  [[nodiscard]] double Of(double left, double right) const noexcept {
    switch (kind_) {
      case Kind::kSubtract:
        return left - right;
      case Kind::kDivide:
        return left / right;
      case Kind::kMultiply:
        return left * right;
    }
    return kMissingNumber;
  }

  Kind kind_;
  std::size_t left_;
  std::size_t right_;
};

DeclaredOperator ReadArithmetic(const FeatureDeclaration& declaration, Kind kind) {
  declaration.node().RequireObject({"name", "op", "left", "right", "missing"});
  const std::size_t left = declaration.NumberFeature("left");
  const std::size_t right = declaration.NumberFeature("right");
  return {std::make_unique<Arithmetic>(kind, left, right), ColumnType::kDouble};
}

}  // namespace

DeclaredOperator ReadSubtract(FeatureDeclaration& declaration) {
  return ReadArithmetic(declaration, Kind::kSubtract);
}

DeclaredOperator ReadDivide(FeatureDeclaration& declaration) {
  return ReadArithmetic(declaration, Kind::kDivide);
}

DeclaredOperator ReadMultiply(FeatureDeclaration& declaration) {
  return ReadArithmetic(declaration, Kind::kMultiply);
}

}  // namespace forkcast::preprocessing
