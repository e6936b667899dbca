#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "data_preprocessing/base/result.hpp"
#include "data_preprocessing/pipeline/pipeline_spec.hpp"
#include "model/artefact/registry.hpp"
#include "model/forecast/conformal_intervals.hpp"
#include "model/forecast/model_keys.hpp"
#include "model/learn/model_files.hpp"

/// The files of a forecast, and how those under `model/` are called (FORMAT.md). Steps and keys
/// count from 0.
namespace forkcast::model {

inline constexpr const char* kIntervalsFile = "intervals.json";

[[nodiscard]] ArtefactFile IntervalsFile(const ConformalIntervals& intervals);

/// Of one model; `key` where it is one key's.
[[nodiscard]] std::string StemOf(std::size_t step, std::optional<std::size_t> key);

/// kInvalidArgument for a key that is not UTF-8.
Status AppendKeys(const ModelKeys& keys, std::vector<ArtefactFile>& files);

/// The keys of a version with models of the pipeline `spec`. Throws SpecError with the file's name.
ModelKeys TakeKeys(ModelFiles& files, const preprocessing::PipelineSpec& spec);

}  // namespace forkcast::model
