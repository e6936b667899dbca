#include "model/predict/predictor.hpp"

#include <cmath>
#include <cstddef>
#include <string_view>
#include <utility>

namespace forkcast::model {

using preprocessing::FeatureSpec;
using preprocessing::Value;

Result<Predictor> Predictor::Make(std::unique_ptr<const Model> model,
                                  std::span<const FeatureSpec> features) {
  Result<InputEncoder> encoder = InputEncoder::Make(model->inputs(), features);
  if (!encoder) return std::move(encoder).error();
  return Predictor(std::move(model), std::move(*encoder));
}

void Predictor::Predict(std::span<const Value> features, Scratch& scratch,
                        std::span<double> out) const {
  const std::size_t rows = out.size() / model_->outputs().size();
  if (rows == 0) return;
  const std::size_t width = features.size() / rows;
  const std::size_t inputs = model_->inputs().size();
  scratch.rows.resize(rows * inputs);
  for (std::size_t row = 0; row < rows; ++row) {
    encoder_.Encode(features.subspan(row * width, width),
                    std::span(scratch.rows).subspan(row * inputs, inputs));
  }
  model_->Predict(scratch.rows, out);
}

Value OutputValue(const OutputColumn& column, double output) noexcept {
  if (std::isnan(output)) return {};
  if (column.type == OutputType::kNumber) return output;
  return std::string_view(column.categories[static_cast<std::size_t>(output)]);
}

}  // namespace forkcast::model
