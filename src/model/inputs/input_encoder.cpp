#include "model/inputs/input_encoder.hpp"

#include <algorithm>
#include <limits>

namespace forkcast::model {
namespace {

using preprocessing::ColumnType;
using preprocessing::FeatureSpec;
using preprocessing::Value;

bool Fits(InputType input, ColumnType feature) noexcept {
  switch (input) {
    case InputType::kNumber:
      return feature == ColumnType::kInt64 || feature == ColumnType::kDouble;
    case InputType::kBool:
      return feature == ColumnType::kBool;
    case InputType::kCategory:
      return feature == ColumnType::kText;
  }
  return false;
}

float ToFloat(const Value& value, const InputColumn& input) noexcept {
  if (const auto* integer = std::get_if<std::int64_t>(&value)) return static_cast<float>(*integer);
  if (const auto* number = std::get_if<double>(&value)) return static_cast<float>(*number);
  if (const auto* flag = std::get_if<bool>(&value)) return *flag ? 1.0F : 0.0F;
  if (const auto* text = std::get_if<std::string_view>(&value)) {
    return static_cast<float>(std::ranges::find(input.categories, *text) -
                              input.categories.begin());
  }
  return std::numeric_limits<float>::quiet_NaN();
}

}  // namespace

Result<InputEncoder> InputEncoder::Make(std::span<const InputColumn> inputs,
                                        std::span<const FeatureSpec> features) {
  InputEncoder encoder(inputs);
  for (const InputColumn& input : inputs) {
    const auto feature = std::ranges::find(features, input.name, &FeatureSpec::name);
    if (feature == features.end()) {
      return Error{ErrorCode::kInvalidArgument,
                   "the model reads feature \"" + input.name + "\", which the pipeline has not",
                   input.name};
    }
    if (!Fits(input.type, feature->type)) {
      return Error{ErrorCode::kInvalidArgument,
                   "the model reads feature \"" + input.name +
                       "\" as another type than the pipeline's " +
                       std::string(preprocessing::ToString(feature->type)),
                   input.name};
    }
    encoder.positions_.push_back(static_cast<std::size_t>(feature - features.begin()));
  }
  return encoder;
}

void InputEncoder::Encode(std::span<const Value> features, std::span<float> row) const noexcept {
  for (std::size_t i = 0; i < inputs_.size(); ++i) {
    row[i] = ToFloat(features[positions_[i]], inputs_[i]);
  }
}

}  // namespace forkcast::model
