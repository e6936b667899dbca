#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "data_preprocessing/base/result.hpp"
#include "data_preprocessing/pipeline/pipeline_spec.hpp"
#include "model/artefact/registry.hpp"
#include "model/forecast/candidate_weights.hpp"
#include "model/forecast/conformal_intervals.hpp"
#include "model/forecast/model_keys.hpp"
#include "model/learn/model_files.hpp"

/// The files of a forecast, and how those under `model/` are called (FORMAT.md). Steps and keys
/// count from 0.
namespace forkcast::model {

inline constexpr const char* kIntervalsFile = "intervals.json";

inline constexpr const char* kHierarchyFile = "hierarchy.json";

[[nodiscard]] ArtefactFile IntervalsFile(const ConformalIntervals& intervals);

/// What HierarchyModel::ToJson() gave. kInvalidArgument for a key that is not UTF-8.
[[nodiscard]] Result<ArtefactFile> HierarchyFile(const nlohmann::ordered_json& hierarchy);

/// Of one model; `key` where it is one key's.
[[nodiscard]] std::string StemOf(std::size_t step, std::optional<std::size_t> key);

/// What history methods learned, and how candidates count, by their paths below `model/`.
inline constexpr const char* kHistoryFile = "history.json";
inline constexpr const char* kCandidatesFile = "candidates.json";

/// Adds the files of a candidate's model, as if it were alone, in a folder of its own.
void AppendCandidate(std::size_t candidate, std::vector<ArtefactFile> own,
                     std::vector<ArtefactFile>& files);
/// How candidates count. kInvalidArgument for a key that is not UTF-8.
[[nodiscard]] Result<ArtefactFile> CandidatesFile(const CandidateWeights& weights);
/// Takes those out of a version's files, under the names that they would have alone.
[[nodiscard]] std::vector<PublishedFile> TakeCandidate(ModelFiles& names,
                                                       std::span<const PublishedFile> files,
                                                       std::size_t candidate);
/// An error that names a file of a candidate's own.
[[nodiscard]] Error InCandidate(Error error, std::size_t candidate);

/// kInvalidArgument for a key that is not UTF-8.
Status AppendKeys(const ModelKeys& keys, std::vector<ArtefactFile>& files);

/// The keys of a version with models of the pipeline `spec`. Throws SpecError with the file's name.
ModelKeys TakeKeys(ModelFiles& files, const preprocessing::PipelineSpec& spec);

}  // namespace forkcast::model
