#include "model/forecast/forecast_version.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "data_preprocessing/document/content_hash.hpp"
#include "data_preprocessing/document/json_node.hpp"

namespace forkcast::model {
namespace {

using namespace preprocessing;

constexpr std::int64_t kFormat = 1;
constexpr const char* kPipelineFile = "pipeline.json";

}  // namespace

Result<ForecastVersion> ForecastVersion::Read(const VersionInfo& info) {
  const auto in_file = [&info](std::string_view file, ErrorCode code, const std::string& what) {
    return Error{code, (info.folder / file).string() + ": " + what};
  };
  Result<std::vector<ArtefactFile>> files = Registry::ReadFiles(info);
  if (!files) return std::move(files).error();
  ForecastVersion version;
  version.info_ = info;
  version.manifest_hash_ = preprocessing::ContentHash(files->front().bytes);
  const std::string manifest_name = files->front().path;
  try {
    version.manifest_ = ParseJson(files->front().bytes);
    const JsonNode manifest(version.manifest_);
    if (manifest.Get("kind").String() != "forecast") {
      return in_file(manifest_name, ErrorCode::kInvalidArgument, "$.kind: expected a forecast");
    }
    if (manifest.Get("format").json() != kFormat) {
      return in_file(manifest_name, ErrorCode::kInvalidArgument,
                     "$.format: expected " + std::to_string(kFormat) + ", got " +
                         manifest.Get("format").json().dump());
    }
    files->erase(files->begin());
    version.files_ = *std::move(files);
    const auto pipeline = std::ranges::find(version.files_, kPipelineFile, &ArtefactFile::path);
    if (pipeline == version.files_.end()) {
      return in_file(manifest_name, ErrorCode::kCorrupt, "$.files: no pipeline.json");
    }
    version.document_ = ParseJson(pipeline->bytes);
    if (preprocessing::ContentHash(version.document_.dump()) !=
        manifest.Get("pipeline").Get("hash").String()) {
      return in_file(kPipelineFile, ErrorCode::kCorrupt, "not the pipeline of manifest.json");
    }
    Result<PipelineSpec> spec = ParsePipelineSpec(version.document_.dump(), info.folder);
    if (!spec) return in_file(kPipelineFile, ErrorCode::kCorrupt, spec.error().message);
    version.spec_ = *std::move(spec);
    version.plan_ = ReadTrainingPlan(JsonNode(version.document_), version.spec_);
    version.plan_.trainer.seed = static_cast<std::uint32_t>(
        manifest.Get("seed").Integer(0, std::numeric_limits<std::uint32_t>::max()));
    return version;
  } catch (const SpecError& error) {
    return Error{ErrorCode::kCorrupt, info.folder.string() + ": " + error.what()};
  }
}

Result<ModelKeys> ForecastVersion::Keys() const {
  Result<ModelKeys> keys = ForecastModel::LoadKeys(files_, spec_, plan_);
  if (keys) return keys;
  Error error = std::move(keys).error();
  error.message = (info_.folder / error.message).string();
  return error;
}

Result<ForecastModel> ForecastVersion::Model() const {
  Result<ForecastModel> model = ForecastModel::Load(files_, spec_, plan_);
  if (!model) {
    Error error = std::move(model).error();
    error.message = (info_.folder / error.message).string();
    return error;
  }
  const nlohmann::ordered_json models = manifest_.value("models", nlohmann::ordered_json());
  if (models != model->model_count()) {
    return Error{ErrorCode::kCorrupt,
                 fmt::format("{}: {} models, but manifest.json says {}", info_.folder.string(),
                             model->model_count(), models.dump())};
  }
  return model;
}

}  // namespace forkcast::model
