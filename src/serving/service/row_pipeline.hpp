#pragma once

#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "data_preprocessing/base/result.hpp"
#include "data_preprocessing/pipeline/snapshots.hpp"
#include "model/import/prediction_form.hpp"
#include "model/predict/predictor.hpp"
#include "serving/service/served_pipeline.hpp"

namespace forkcast::serving {

/// A pipeline that scores rows as they come: each row's features at its time, then a model.
class RowPipeline final : public ServedPipeline {
 public:
  /// What a pipeline becomes with a model.
  struct Parts {
    preprocessing::PipelineSpec spec;
    std::string model_name;
    std::string model_version;
    std::shared_ptr<const model::Predictor> predictor;
    /// What each feature is to a planner; empty: nobody said.
    std::vector<std::string> groups{};
    std::shared_ptr<const model::DriftReference> drift_reference{};
    std::vector<model::AliasMove> alias_moves{};
    /// How rows are told where a body wraps them; empty: as they are elsewhere.
    model::PredictionForm prediction_form{};
  };

  /// Of a pipeline's file, with the model that it names: maps and verifies the snapshots in
  /// `folder`. Blocks on the disk. Errors name the file concerned.
  static Result<std::shared_ptr<const ServedPipeline>> Load(const std::filesystem::path& pipeline,
                                                            const std::filesystem::path& folder,
                                                            preprocessing::SnapshotPool& pool);
  /// Of parts that fit each other. kInvalidArgument when the pipeline's answer does not fit to what
  /// the model gives; otherwise as SnapshotPool::Open.
  static Result<std::shared_ptr<const ServedPipeline>> Make(Parts parts,
                                                            const std::filesystem::path& folder,
                                                            preprocessing::SnapshotPool& pool);

  [[nodiscard]] std::span<const preprocessing::Snapshot> snapshots() const noexcept override {
    return snapshots_;
  }
  [[nodiscard]] std::unique_ptr<Scorer> MakeScorer() const override;
  [[nodiscard]] Status CheckExplains() const override;
  [[nodiscard]] Result<std::shared_ptr<const ServedPipeline>> Over(
      const std::filesystem::path& folder, preprocessing::SnapshotPool& pool) const override;

 private:
  class RowScorer;

  explicit RowPipeline(Parts parts)
      : ServedPipeline(std::move(parts.spec), std::move(parts.model_name),
                       std::move(parts.model_version)),
        predictor_(std::move(parts.predictor)),
        groups_(std::move(parts.groups)) {
    drift_reference_ = std::move(parts.drift_reference);
    alias_moves_ = std::move(parts.alias_moves);
  }
  RowPipeline(const RowPipeline& lender, std::vector<preprocessing::Snapshot> snapshots);

  std::shared_ptr<const model::Predictor> predictor_;  // also of those over other snapshots
  std::vector<std::string> groups_;                    // by feature
  std::vector<preprocessing::Snapshot> snapshots_;     // in the order of spec().series
};

}  // namespace forkcast::serving
