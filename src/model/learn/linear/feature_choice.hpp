#pragma once

#include <vector>

#include "data_preprocessing/base/result.hpp"
#include "model/learn/linear/linear_options.hpp"
#include "model/learn/trainer.hpp"
#include "model/linear/linear_model.hpp"

namespace forkcast::model {

/// The inputs that a model learns from: all, or the best (of equal scores the later features), with
/// mean and deviation of all rows, whatever their weights. kInvalidArgument with the feature's name
/// for one that is missing in a row; and where fewer than k features differ between rows.
[[nodiscard]] Result<std::vector<LinearInput>> ChooseInputs(const TrainingRows& rows,
                                                            const LinearOptions& options,
                                                            bool of_classes);

}  // namespace forkcast::model
