#pragma once

#include <chrono>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "data_preprocessing/pipeline/snapshots.hpp"
#include "model/artefact/registry.hpp"
#include "serving/bulk/skew.hpp"
#include "serving/service/served_pipeline.hpp"

namespace forkcast::serving {

/// Forecasts, step by step: their features and values, made anew by the version that each record
/// names.
class ForecastSkewCheck final : public SkewCheck {
 public:
  /// `spec`: of the pipeline, which its versions bear the name of; outlives it. `models`: folder of
  /// the versions.
  ForecastSkewCheck(const preprocessing::PipelineSpec& spec, const std::filesystem::path& models,
                    std::filesystem::path snapshots, std::chrono::microseconds precision);

 private:
  /// A version that has answered.
  struct Version {
    std::shared_ptr<const ServedPipeline> pipeline;  ///< Null: `error` says why.
    std::unique_ptr<Scorer> scorer{};
    std::unique_ptr<CapturedRequests> requests{};
    std::string error{};
  };

  std::optional<std::string> Recompute(const CaptureRecord& record) override;
  Version& VersionOf(const std::string& number);
  [[nodiscard]] Version Load(const std::string& number);

  const model::Registry registry_;
  const std::filesystem::path snapshots_;
  preprocessing::SnapshotPool pool_;
  std::map<std::string, Version> versions_;  // by number, as records have it
  Scores scores_;
};

}  // namespace forkcast::serving
