#include "data_preprocessing/features/feature_declaration.hpp"

namespace forkcast::preprocessing {
namespace {

double NumberOf(const Value& value) noexcept {
  if (const auto* number = std::get_if<double>(&value)) return *number;
  if (const auto* integer = std::get_if<std::int64_t>(&value)) return static_cast<double>(*integer);
  return kMissingNumber;
}

enum class Kind { kSubtract, kDivide, kMultiply };

/// Of two number features named before; missing when either is or the result is not finite.
class Arithmetic final : public FeatureOperator {
 public:
  Arithmetic(Kind kind, std::size_t left, std::size_t right) noexcept
      : kind_(kind), left_(left), right_(right) {}

  [[nodiscard]] Value Compute(const RowContext& row) const noexcept override {
    const double left = NumberOf(row.features[left_]);
    const double right = NumberOf(row.features[right_]);
    switch (kind_) {
      case Kind::kSubtract:
        return ToFeature(left - right);
      case Kind::kDivide:
        return ToFeature(left / right);
      case Kind::kMultiply:
        return ToFeature(left * right);
    }
    return {};
  }
  void AddNeeds(const RowContext&, FeatureNeeds& needs) const override {
    needs.features.push_back(left_);
    needs.features.push_back(right_);
  }

 private:
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
