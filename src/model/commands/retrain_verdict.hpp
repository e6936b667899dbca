#pragma once

#include "data_preprocessing/base/clock.hpp"
#include "data_preprocessing/document/json.hpp"
#include "model/learn/training_run.hpp"

namespace forkcast::model {

/// In the folder of a model: the verdict on the newest challenger.
inline constexpr const char* kVerdictFile = "retrain.json";

/// {"at", "model", "alias", "champion", "result", "why"}, and where there are some "version",
/// "folder", "contest". `result`: "promoted", "kept" (the champion), "nothing_new" or "failed".
/// Precondition: the run was one for a champion's place (`as.contest`) and not stopped.
[[nodiscard]] nlohmann::ordered_json VerdictOn(const TrainingOutcome& outcome,
                                               const Publication& as, Instant now);

}  // namespace forkcast::model
