#pragma once

#include "data_preprocessing/base/result.hpp"
#include "model/classify/classifier_version.hpp"
#include "serving/quality/told_forecasts.hpp"

namespace forkcast::serving {

/// Judges the classes that a version answered by the labels that the store has now, joined by the
/// key of the training table, whose columns requests have. Errors as the sources have them;
/// kRefusedData when the version has no folds to compare with, or the table no such key.
[[nodiscard]] Result<model::QualityFindings> JudgeClasses(const model::ClassifierVersion& version,
                                                          const QualitySources& sources);

}  // namespace forkcast::serving
