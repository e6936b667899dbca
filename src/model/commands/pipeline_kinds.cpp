#include "model/commands/pipeline_kinds.hpp"

#include <algorithm>
#include <array>

#include "model/classify/classifier_job.hpp"
#include "model/forecast/forecast_job.hpp"

namespace forkcast::model {
namespace {

using nlohmann::ordered_json;
using preprocessing::JsonNode;
using preprocessing::PipelineSpec;

constexpr std::array<PipelineKind, 2> kKinds{{
    {.name = "forecast",
     .has_keys = true,
     .is_kind_of = [](const ordered_json& document) { return document.contains("forecast"); },
     .check =
         [](const JsonNode& root, const PipelineSpec& spec, std::span<const TrainerKind> trainers) {
           static_cast<void>(ReadTrainingPlan(root, spec, trainers));
         },
     .open = &ForecastJob::Load},
    {.name = "classifier",
     .has_keys = false,
     .is_kind_of = [](const ordered_json&) { return true; },
     .check =
         [](const JsonNode& root, const PipelineSpec& spec, std::span<const TrainerKind> trainers) {
           static_cast<void>(ReadClassifierPlan(root, spec, trainers));
         },
     .open = &ClassifierJob::Load},
}};

}  // namespace

const PipelineKind& KindOf(const ordered_json& document) {
  return *std::ranges::find_if(
      kKinds, [&document](const PipelineKind& kind) { return kind.is_kind_of(document); });
}

}  // namespace forkcast::model
