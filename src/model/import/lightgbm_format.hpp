#pragma once

#include <string_view>

#include "data_preprocessing/base/result.hpp"
#include "model/import/model_formats.hpp"

namespace forkcast::model {

/// Whether a file may be one of LightGBM: its text format.
[[nodiscard]] bool IsLightGbm(std::string_view bytes) noexcept;

/// A model of LightGBM's text format, v3 and v4 (LightGBM 2.3 to 4.x): boosted trees and random
/// forests (`average_output`), its three kinds of missing values, categories, categories of pandas
/// (texts, or whole numbers), every objective that answers a function of the margins.
///
/// LightGBM tests doubles, and forests here test floats. So an input becomes its rank among the
/// numbers that the model compares it with (ExactReading), and answers are those of LightGBM's
/// library bit for bit, all added up in double. As through its Python package, what is no greater
/// than 1e-35, whatever its sign, is 0.
///
/// kCorrupt when the text contradicts itself; kInvalidArgument naming the parameter for what is not
/// understood: `linear_tree`, an unknown version or objective. Takes a few times the bytes.
[[nodiscard]] Result<ImportedModel> ImportLightGbm(std::string_view bytes, Rounds rounds);

}  // namespace forkcast::model
