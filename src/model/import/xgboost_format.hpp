#pragma once

#include <string_view>

#include "data_preprocessing/base/result.hpp"
#include "model/import/model_formats.hpp"

namespace forkcast::model {

/// Whether a file may be one of XGBoost: JSON or UBJSON.
[[nodiscard]] bool IsXGBoost(std::string_view bytes) noexcept;

/// A model of XGBoost 1.0 to 3.x (ReadXGBoostModel). Answers are the floats of its library, run in
/// one thread, bit for bit. Categories that were texts in training are texts of rows; another text
/// is that row's error, as it is in XGBoost.
[[nodiscard]] Result<ImportedModel> ImportXGBoost(std::string_view bytes, Rounds rounds);

}  // namespace forkcast::model
