#include "data_preprocessing/features/feature_declaration.hpp"

namespace forkcast::preprocessing {
namespace {

/// A field of the request, as it came.
class Field final : public FeatureOperator {
 public:
  explicit Field(std::size_t column) noexcept : column_(column) {}

  [[nodiscard]] Value Compute(const RowContext& row) const noexcept override {
    return ValueAt(row.request->column(column_), row.request_row);
  }

 private:
  std::size_t column_;
};

}  // namespace

DeclaredOperator ReadField(FeatureDeclaration& declaration) {
  declaration.node().RequireObject({"name", "op", "field", "missing"});
  const RequestField field = declaration.Field();
  return {std::make_unique<Field>(field.column), field.type};
}

}  // namespace forkcast::preprocessing
