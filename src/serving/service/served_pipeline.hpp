#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "data_preprocessing/base/result.hpp"
#include "data_preprocessing/pipeline/pipeline_spec.hpp"
#include "data_preprocessing/pipeline/snapshots.hpp"
#include "data_preprocessing/series/snapshot.hpp"
#include "data_preprocessing/table/schema.hpp"
#include "model/artefact/alias_history.hpp"
#include "model/drift/drift_reference.hpp"
#include "serving/service/answer_plan.hpp"
#include "serving/service/scorer.hpp"
#include "serving/upstream/remote_plan.hpp"

namespace forkcast::serving {

/// Everything that answers requests of one deployment: loaded whole or not at all, never changed
/// after; thread-safe. What a request needs beside it to work with, whoever works on it holds.
class ServedPipeline {
 public:
  ServedPipeline(const ServedPipeline&) = delete;
  ServedPipeline& operator=(const ServedPipeline&) = delete;
  virtual ~ServedPipeline() = default;

  [[nodiscard]] const preprocessing::PipelineSpec& spec() const noexcept { return spec_; }
  [[nodiscard]] const std::string& model_name() const noexcept { return model_name_; }
  /// Logged and captured with every answer.
  [[nodiscard]] const std::string& model_version() const noexcept { return model_version_; }
  /// What a row of a request may bring along; the pipeline's own fields come first.
  [[nodiscard]] const preprocessing::Schema& fields() const noexcept { return fields_; }
  /// The field in which a row supposes values that are known in advance, as a JSON object; none:
  /// rows cannot.
  [[nodiscard]] std::optional<std::size_t> assume_field() const noexcept { return assume_field_; }
  /// Names and types of those values.
  [[nodiscard]] const preprocessing::Schema& assumable() const noexcept { return assumable_; }
  /// Whether a row does.
  [[nodiscard]] bool SupposesAnything(const wire::DecodedRequest& decoded) const noexcept;
  [[nodiscard]] const AnswerPlan& answer() const noexcept { return answer_; }
  /// What its version was trained on looked like; null where there is no version, or where it does
  /// not say.
  [[nodiscard]] const model::DriftReference* drift_reference() const noexcept {
    return drift_reference_.get();
  }

  /// Which version the alias that it was loaded by meant when; empty where it was loaded by none,
  /// or nobody noted it.
  [[nodiscard]] const std::vector<model::AliasMove>& alias_moves() const noexcept {
    return alias_moves_;
  }

  /// What is asked of the server where its model runs; null: the model is here.
  [[nodiscard]] const std::shared_ptr<const RemotePlan>& remote() const noexcept { return remote_; }

  /// Of spec().series, in their order.
  [[nodiscard]] virtual std::span<const preprocessing::Snapshot> snapshots() const noexcept = 0;
  [[nodiscard]] virtual std::unique_ptr<Scorer> MakeScorer() const = 0;

  /// Whether lines can say what they are made of (ScoringTask::explain). kInvalidArgument with
  /// what to do.
  [[nodiscard]] virtual Status CheckExplains() const = 0;

  /// The same pipeline and model over the snapshots that are in `folder` now; this one lends what
  /// does not depend on them. As SnapshotPool::Open.
  [[nodiscard]] virtual Result<std::shared_ptr<const ServedPipeline>> Over(
      const std::filesystem::path& folder, preprocessing::SnapshotPool& pool) const = 0;

 protected:
  /// What CheckExplains() says of a model that runs elsewhere.
  [[nodiscard]] Error NotExplainedElsewhere() const;
  /// What CheckExplains() says of a version that was published without explanations.
  [[nodiscard]] Error NotExplained() const;

  /// `fields` is the pipeline's until a kind adds its own.
  ServedPipeline(preprocessing::PipelineSpec spec, std::string model_name,
                 std::string model_version);

  preprocessing::PipelineSpec spec_;
  std::string model_name_;
  std::string model_version_;
  preprocessing::Schema fields_;
  std::optional<std::size_t> assume_field_;
  preprocessing::Schema assumable_;
  AnswerPlan answer_;
  std::shared_ptr<const model::DriftReference> drift_reference_;
  std::vector<model::AliasMove> alias_moves_;
  std::shared_ptr<const RemotePlan> remote_;
};

}  // namespace forkcast::serving
