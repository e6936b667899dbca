#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>

#include "data_preprocessing/base/result.hpp"
#include "data_preprocessing/pipeline/snapshots.hpp"
#include "model/artefact/registry.hpp"
#include "model/forecast/forecaster.hpp"
#include "serving/config/deployment.hpp"
#include "serving/service/served_pipeline.hpp"

namespace forkcast::serving {

/// A published forecast. A row has the key, and may say as of when ("origin", or the time of the
/// pipeline's requests) and for which periods ("steps", or "from" and "to"): ForecastQuestion says
/// what is done without. It has a line a step, with the outputs
///   origin      as of when, Forecaster::AppendOrigin(); of the row, as is not what follows;
///   step        1 and on;
///   period      Forecaster::AppendPeriod();
///   value       the forecast;
///   lower_80, upper_80, ... of each level, behind all others: between what the value is expected,
///               where the version has intervals; missing around a cold start;
///   cold_start  true where a baseline stands in for a model or its history, else missing;
///   actual      what is known of the period; missing when nothing is.
/// With "assume" a row supposes other plans (model::AssumablePlans) and hears of each step also
///   assumed     the forecast then;
///   change      what it is more than `value`.
class ForecastPipeline final : public ServedPipeline {
 public:
  /// As VersionKind::load; kInvalidArgument also when a field of the pipeline's requests is called
  /// as what every forecast's row may say.
  static Result<std::shared_ptr<const ServedPipeline>> Load(const model::VersionInfo& version,
                                                            const Deployment& deployment,
                                                            preprocessing::SnapshotPool& pool);

  /// Of a pipeline's file, whose model runs elsewhere: it gets the features of the one step that is
  /// forecast, and its only output, a number, is the value; $.training.output applies to it as
  /// always. kInvalidArgument for a horizon of more than 1, and as Load().
  static Result<std::shared_ptr<const ServedPipeline>> LoadElsewhere(
      preprocessing::PipelineSpec spec, std::shared_ptr<const RemotePlan> plan,
      const Deployment& deployment, preprocessing::SnapshotPool& pool);

  [[nodiscard]] std::span<const preprocessing::Snapshot> snapshots() const noexcept override {
    return forecaster_->snapshots();
  }
  [[nodiscard]] const model::Forecaster& forecaster() const noexcept { return *forecaster_; }
  [[nodiscard]] std::unique_ptr<Scorer> MakeScorer() const override;
  [[nodiscard]] Status CheckExplains() const override;
  [[nodiscard]] Result<std::shared_ptr<const ServedPipeline>> Over(
      const std::filesystem::path& folder, preprocessing::SnapshotPool& pool) const override;

 private:
  class ForecastScorer;
  /// Where a row says what it asks for, among fields().
  struct Columns {
    std::size_t time = 0;
    std::optional<std::size_t> origin{};  ///< None where the pipeline's time is called so.
    std::size_t steps = 0;
    std::size_t from = 0;
    std::size_t to = 0;
  };

  ForecastPipeline(std::string model_name, std::string model_version,
                   std::unique_ptr<const model::Forecaster> forecaster);
  ForecastPipeline(const ForecastPipeline& lender,
                   std::unique_ptr<const model::Forecaster> forecaster);
  Status AddFields();
  Status PlanAnswers(bool has_cold_start);

  std::unique_ptr<const model::Forecaster> forecaster_;
  Columns columns_;
};

}  // namespace forkcast::serving
