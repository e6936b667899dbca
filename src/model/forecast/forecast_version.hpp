#pragma once

#include <memory>
#include <utility>

#include "data_preprocessing/base/result.hpp"
#include "model/artefact/registry.hpp"
#include "model/forecast/conformal_intervals.hpp"
#include "model/forecast/forecast_model.hpp"
#include "model/forecast/model_keys.hpp"
#include "model/forecast/training_plan.hpp"
#include "model/learn/version.hpp"

namespace forkcast::model {

/// A forecast that was published, read back (FORMAT.md); its models are made when they are asked
/// for.
class ForecastVersion : public Version {
 public:
  /// As Version::Read.
  static Result<ForecastVersion> Read(const VersionInfo& info);

  /// What its document means; with the seed that was used, whatever the document says.
  [[nodiscard]] const TrainingPlan& plan() const noexcept { return plan_; }

  /// The keys that have models of their own; none where one model is for all. kCorrupt.
  [[nodiscard]] Result<ModelKeys> Keys() const;
  /// All models. As ForecastModel::Load; kCorrupt also when there are not as many as the manifest
  /// says.
  [[nodiscard]] Result<ForecastModel> Model() const;
  /// Those of a plan with some, else null. kCorrupt.
  [[nodiscard]] Result<std::shared_ptr<const ConformalIntervals>> Intervals() const;

 private:
  ForecastVersion(Version version, TrainingPlan plan)
      : Version(std::move(version)), plan_(std::move(plan)) {}

  TrainingPlan plan_;
};

}  // namespace forkcast::model
