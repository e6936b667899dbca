#include "data_preprocessing/features/feature_operator.hpp"

namespace forkcast::preprocessing {
namespace {

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

std::unique_ptr<FeatureOperator> MakeField(std::size_t column) {
  return std::make_unique<Field>(column);
}

}  // namespace forkcast::preprocessing
