#pragma once

#include <string_view>

#include "data_preprocessing/base/result.hpp"
#include "model/import/imported_model.hpp"
#include "model/import/model_formats.hpp"

namespace forkcast::model {

/// Reads a model of ONNX (../onnx): trees alone become a forest, all else stays a graph. As
/// ModelFormat::read; kInvalidArgument names the operator.
[[nodiscard]] Result<ImportedModel> ImportOnnx(std::string_view bytes, Rounds rounds);

}  // namespace forkcast::model
