#include "model/forecast/forecast_files.hpp"

#include <fmt/format.h>

#include <utility>

#include "data_preprocessing/document/json.hpp"
#include "model/forecast/step_examples.hpp"

namespace forkcast::model {
namespace {

constexpr const char* kKeysFile = "keys.json";

/// "candidates/3/", below `model/`.
std::string FolderOf(std::size_t candidate) { return fmt::format("candidates/{}/", candidate); }

/// The path below `model/`.
std::string Below(const std::string& path) { return path.substr(ModelPath("").size()); }

/// With keys of users.
Result<ArtefactFile> JsonFile(std::string path, const nlohmann::ordered_json& json) {
  try {
    return ArtefactFile{std::move(path), json.dump() + "\n"};
  } catch (const nlohmann::ordered_json::type_error&) {
    return Error{ErrorCode::kInvalidArgument, "a key is not UTF-8: its model cannot be published"};
  }
}

}  // namespace

ArtefactFile IntervalsFile(const ConformalIntervals& intervals) {
  return {kIntervalsFile, intervals.ToJson().dump() + "\n"};
}

Result<ArtefactFile> HierarchyFile(const nlohmann::ordered_json& hierarchy) {
  return JsonFile(kHierarchyFile, hierarchy);
}

std::string StemOf(std::size_t step, std::optional<std::size_t> key) {
  return key ? fmt::format("{}/{}", step + 1, *key) : std::to_string(step + 1);
}

void AppendCandidate(std::size_t candidate, std::vector<ArtefactFile> own,
                     std::vector<ArtefactFile>& files) {
  for (ArtefactFile& file : own) {
    file.path = ModelPath(FolderOf(candidate) + Below(file.path));
    files.push_back(std::move(file));
  }
}

std::vector<PublishedFile> TakeCandidate(ModelFiles& names, std::span<const PublishedFile> files,
                                         std::size_t candidate) {
  const std::string folder = ModelPath(FolderOf(candidate));
  std::vector<PublishedFile> own;
  for (const PublishedFile& file : files) {
    if (!file.path.starts_with(folder)) continue;
    names.Take(Below(file.path));
    own.push_back({.path = ModelPath(file.path.substr(folder.size())), .place = file.place});
  }
  return own;
}

Error InCandidate(Error error, std::size_t candidate) {
  error.message = fmt::format("{} (of candidate {})", error.message, candidate);
  return error;
}

Result<ArtefactFile> CandidatesFile(const CandidateWeights& weights) {
  return JsonFile(ModelPath(kCandidatesFile), weights.ToJson());
}

Status AppendKeys(const ModelKeys& keys, std::vector<ArtefactFile>& files) {
  Result<ArtefactFile> file = JsonFile(ModelPath(kKeysFile), keys.ToJson());
  if (!file) return std::move(file).error();
  files.push_back(*std::move(file));
  return {};
}

ModelKeys TakeKeys(ModelFiles& files, const preprocessing::PipelineSpec& spec) {
  ModelKeys keys;
  ReadJson(LoadFile(files.Take(kKeysFile)), [&](const preprocessing::JsonNode& node) {
    keys = ModelKeys::FromJson(node, spec.SeriesNamed(spec.forecast->series),
                               ModelsOf(*spec.forecast));
  });
  return keys;
}

}  // namespace forkcast::model
