#pragma once

#include <span>

#include "data_preprocessing/base/result.hpp"
#include "model/learn/trainer.hpp"

namespace forkcast::model {

/// That rows can be learned from at all, as Trainer::Train says: what trainers have in common.
/// `validates`: whether the trainer has a validation_share(). O(values).
Status CheckRows(const TrainingRows& rows, const LearningSetting& setting, bool validates);

/// That not all of the rows that are learned from count for nothing; of weights that an objective
/// changed.
Status RequireWeight(std::span<const double> learned);

}  // namespace forkcast::model
