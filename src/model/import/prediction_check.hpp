#pragma once

#include <cstddef>
#include <filesystem>
#include <string>

#include "data_preprocessing/base/result.hpp"
#include "data_preprocessing/pipeline/pipeline_spec.hpp"
#include "model/predict/predictor.hpp"

namespace forkcast::model {

/// How a model's answers compare with those that its trainer's library gave.
struct PredictionCheck {
  std::size_t rows = 0;
  std::size_t numbers = 0;         ///< That were compared, texts included.
  std::size_t differing = 0;       ///< By more than the tolerance.
  double greatest = 0;             ///< |ours - expected| / max(1, |expected|).
  std::string first_difference{};  ///< "line 7, value: expected 1.5, got 1.25".
};

/// Compares answers with a CSV of predictions: a column for each feature that the model reads, and
/// one at least that is called as an output ("value", "class", "probability.1"). A missing number
/// is an empty field. Errors name file and line; kInvalidArgument also for a file without outputs
/// or rows.
[[nodiscard]] Result<PredictionCheck> CheckPredictions(const Predictor& predictor,
                                                       const preprocessing::PipelineSpec& spec,
                                                       const std::filesystem::path& file,
                                                       double tolerance);

}  // namespace forkcast::model
