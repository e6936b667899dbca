#include "model/forecast/forecast_version.hpp"

#include <fmt/format.h>

#include "data_preprocessing/document/json_node.hpp"
#include "model/forecast/forecast_files.hpp"

namespace forkcast::model {

Result<ForecastVersion> ForecastVersion::Read(const VersionInfo& info) {
  Result<Version> version = Version::Read(info, "forecast");
  if (!version) return std::move(version).error();
  try {
    TrainingPlan plan =
        ReadTrainingPlan(preprocessing::JsonNode(version->document()), version->spec(), {});
    plan.setting.seed = version->seed();
    return ForecastVersion(*std::move(version), std::move(plan));
  } catch (const preprocessing::SpecError& error) {
    return Error{ErrorCode::kCorrupt, info.folder.string() + ": " + error.what()};
  }
}

Result<ModelKeys> ForecastVersion::Keys() const {
  Result<ModelKeys> keys = ForecastModel::LoadKeys(files(), spec(), plan_);
  if (!keys) return InFolder(std::move(keys).error());
  return keys;
}

Result<std::shared_ptr<const ConformalIntervals>> ForecastVersion::Intervals() const {
  std::shared_ptr<const ConformalIntervals> intervals;
  if (plan_.intervals.empty()) return intervals;
  const PublishedFile* const file = FindFile(kIntervalsFile);
  if (file == nullptr) {
    return InFolder({ErrorCode::kCorrupt, fmt::format("{}: missing", kIntervalsFile)});
  }
  try {
    ReadJson(LoadFile(*file), [&](const preprocessing::JsonNode& root) {
      intervals = std::make_shared<const ConformalIntervals>(ConformalIntervals::FromJson(
          root, plan_.intervals, static_cast<std::size_t>(spec().forecast->horizon)));
    });
    return intervals;
  } catch (const preprocessing::SpecError& error) {
    return InFolder({ErrorCode::kCorrupt, error.what()});
  }
}

Result<ForecastModel> ForecastVersion::Model() const {
  Result<ForecastModel> model = ForecastModel::Load(files(), spec(), plan_);
  if (!model) return InFolder(std::move(model).error());
  const nlohmann::ordered_json models = manifest().value("models", nlohmann::ordered_json());
  if (models != model->model_count()) {
    return Error{ErrorCode::kCorrupt,
                 fmt::format("{}: {} models, but manifest.json says {}", info().folder.string(),
                             model->model_count(), models.dump())};
  }
  return model;
}

}  // namespace forkcast::model
