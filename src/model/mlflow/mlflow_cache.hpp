#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "data_preprocessing/base/clock.hpp"
#include "data_preprocessing/base/environment.hpp"
#include "data_preprocessing/base/result.hpp"
#include "model/mlflow/pull_model.hpp"

namespace forkcast::model {

/// A registry on this machine of what was pulled from MLflow's server (MLFLOW_TRACKING_URI), from
/// which it is served: a folder of its own for each server, below FORKCAST_MODELS_CACHE, else
/// ~/.cache/forkcast/models. A name of no folder where the environment has neither.
[[nodiscard]] std::filesystem::path MlflowCacheFolder(const Environment& environment);

/// What the alias there is called that means what `reference` meant when it was asked for last: as
/// in MLflow, or "v3" of version 3, since versions have other numbers here.
[[nodiscard]] std::string MlflowCacheAlias(const MlflowReference& reference);

/// Brings what `reference` ("mlflow:NAME@ALIAS") means by now into that folder. Processes that ask
/// for the same model take turns. What was pulled before stays when MLflow is away or what it has
/// is refused. As PullInto().
[[nodiscard]] Status RefreshMlflowCache(std::string_view reference, const Environment& environment,
                                        Instant now);

}  // namespace forkcast::model
