#pragma once

#include <filesystem>
#include <memory>
#include <span>
#include <vector>

#include "data_preprocessing/base/result.hpp"
#include "data_preprocessing/pipeline/snapshots.hpp"
#include "serving/config/deployment.hpp"
#include "serving/service/served_pipeline.hpp"

namespace forkcast::serving {

/// A pipeline whose features are computed here and whose model runs in another server: of rows, or
/// a forecast of one step. Reads the deployment's pipeline file, maps and verifies its snapshots,
/// and compares the model with it, as PlanRemote(). Errors name the file concerned.
[[nodiscard]] Result<std::shared_ptr<const ServedPipeline>> LoadRemote(
    const Deployment& deployment, preprocessing::SnapshotPool& pool);

/// The one of rows: each row's features at its time, then the model elsewhere.
class RemotePipeline final : public ServedPipeline {
 public:
  /// kInvalidArgument when the pipeline's answer does not fit to what the model gives; otherwise as
  /// SnapshotPool::Open.
  static Result<std::shared_ptr<const ServedPipeline>> Make(preprocessing::PipelineSpec spec,
                                                            std::shared_ptr<const RemotePlan> plan,
                                                            const std::filesystem::path& folder,
                                                            preprocessing::SnapshotPool& pool);

  [[nodiscard]] std::span<const preprocessing::Snapshot> snapshots() const noexcept override {
    return snapshots_;
  }
  [[nodiscard]] std::unique_ptr<Scorer> MakeScorer() const override;
  [[nodiscard]] Status CheckExplains() const override { return NotExplainedElsewhere(); }
  [[nodiscard]] Result<std::shared_ptr<const ServedPipeline>> Over(
      const std::filesystem::path& folder, preprocessing::SnapshotPool& pool) const override;

 private:
  class RemoteScorer;

  RemotePipeline(preprocessing::PipelineSpec spec, std::shared_ptr<const RemotePlan> plan);
  RemotePipeline(const RemotePipeline& lender, std::vector<preprocessing::Snapshot> snapshots);

  std::vector<preprocessing::Snapshot> snapshots_;  // in the order of spec().series
};

}  // namespace forkcast::serving
