#include "serving/service/remote_pipeline.hpp"

#include <string>
#include <utility>

#include "serving/service/forecast_pipeline.hpp"
#include "serving/service/remote_scoring.hpp"
#include "serving/service/row_features.hpp"

namespace forkcast::serving {

using preprocessing::ColumnType;
using preprocessing::PipelineSpec;
using preprocessing::Value;

/// One line a row, all of which are asked for at once.
class RemotePipeline::RemoteScorer final : public Scorer {
 public:
  explicit RemoteScorer(const RemotePipeline& pipeline)
      : plan_(*pipeline.remote()), rows_(pipeline), scoring_(plan_) {}

  void Start(const ScoringTask& task, Scores& scores) override {
    rows_.Start(task, scores);
    scoring_.Start(task);
    wanted_ = task.wanted;
    scores_ = &scores;
  }

  std::size_t ComputeFeatures(std::size_t lines) override {
    return rows_.Compute(lines, [this](std::span<const Value> features) {
      return wanted_ == Wanted::kOutputs ? CheckForRemote(features, plan_) : Status();
    });
  }

  Result<Progress> Predict(std::size_t /*lines*/) override {
    Result<Progress> asked = scoring_.Ask(scores_->features);
    if (asked && *asked == Progress::kDone) scores_->outputs = scoring_.scores().outputs;
    return asked;
  }

  void GiveUp() noexcept override { scoring_.GiveUp(); }

 private:
  const RemotePlan& plan_;
  RowFeatures rows_;
  RemoteScoring scoring_;
  // Of the request at hand.
  Wanted wanted_ = Wanted::kOutputs;
  Scores* scores_ = nullptr;
};

Result<std::shared_ptr<const ServedPipeline>> LoadRemote(const Deployment& deployment,
                                                         preprocessing::SnapshotPool& pool) {
  const auto in_file = [&deployment](const Error& error) {
    return Error{error.code, deployment.pipeline.string() + ": " + error.message};
  };
  Result<PipelineSpec> spec = preprocessing::LoadPipelineSpec(deployment.pipeline);
  if (!spec) return std::move(spec).error();
  if (spec->serving && !spec->serving->model.empty()) {
    return in_file({ErrorCode::kInvalidArgument,
                    "$.serving.model: expected none: the deployment's model runs elsewhere"});
  }
  auto plan = PlanRemote(*spec, *deployment.remote);
  if (!plan) return in_file(plan.error());
  auto made =
      spec->forecast
          ? ForecastPipeline::LoadElsewhere(*std::move(spec), *std::move(plan), deployment, pool)
          : RemotePipeline::Make(*std::move(spec), *std::move(plan), deployment.snapshots, pool);
  if (!made && made.error().code == ErrorCode::kInvalidArgument) return in_file(made.error());
  return made;
}

RemotePipeline::RemotePipeline(PipelineSpec spec, std::shared_ptr<const RemotePlan> plan)
    : ServedPipeline(std::move(spec), plan->spec.model, RemoteVersionText(plan->spec)) {
  remote_ = std::move(plan);
}

RemotePipeline::RemotePipeline(const RemotePipeline& lender,
                               std::vector<preprocessing::Snapshot> snapshots)
    : ServedPipeline(lender.spec(), lender.model_name(), lender.model_version()),
      snapshots_(std::move(snapshots)) {
  answer_ = lender.answer_;
  remote_ = lender.remote_;
}

Result<std::shared_ptr<const ServedPipeline>> RemotePipeline::Make(
    PipelineSpec spec, std::shared_ptr<const RemotePlan> plan, const std::filesystem::path& folder,
    preprocessing::SnapshotPool& pool) {
  std::vector<AnswerOutput> outputs;
  for (const RemoteOutput& output : plan->spec.outputs) {
    const bool is_text = output.type == RemoteOutput::Type::kText;
    outputs.push_back(
        {.name = output.name, .type = is_text ? ColumnType::kText : ColumnType::kDouble});
  }
  const std::shared_ptr<RemotePipeline> made(new RemotePipeline(std::move(spec), std::move(plan)));
  Result<AnswerPlan> answer = PlanAnswer(made->spec(), outputs);
  if (!answer) return std::move(answer).error();
  made->answer_ = *std::move(answer);
  auto snapshots = pool.Open(made->spec(), folder);
  if (!snapshots) return std::move(snapshots).error();
  made->snapshots_ = *std::move(snapshots);
  return std::shared_ptr<const ServedPipeline>(made);
}

Result<std::shared_ptr<const ServedPipeline>> RemotePipeline::Over(
    const std::filesystem::path& folder, preprocessing::SnapshotPool& pool) const {
  auto snapshots = pool.Open(spec(), folder);
  if (!snapshots) return std::move(snapshots).error();
  return std::shared_ptr<const ServedPipeline>(new RemotePipeline(*this, *std::move(snapshots)));
}

std::unique_ptr<Scorer> RemotePipeline::MakeScorer() const {
  return std::make_unique<RemoteScorer>(*this);
}

}  // namespace forkcast::serving
