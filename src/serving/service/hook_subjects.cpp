#include "serving/service/hook_subjects.hpp"

#include <vector>

namespace forkcast::serving {
namespace {

/// Things that have a name and a type.
template <typename Things>
std::vector<HookColumn> ColumnsOf(const Things& things) {
  std::vector<HookColumn> columns;
  for (const auto& thing : things) columns.push_back({.name = thing.name, .type = thing.type});
  return columns;
}

}  // namespace

Status FitHooks(std::span<const HookConfig> configs, std::span<const ServedDeployment> deployments,
                std::span<const HookType> types) {
  for (const ServedDeployment& served : deployments) {
    const ServedPipeline& pipeline = *served.pipeline;
    const std::vector<HookColumn> fields = ColumnsOf(pipeline.fields().columns);
    const std::vector<HookColumn> features = ColumnsOf(pipeline.spec().features);
    const std::vector<HookColumn> outputs = ColumnsOf(pipeline.answer().outputs);
    const HookSubject subject{
        .deployment = served.name, .fields = fields, .features = features, .outputs = outputs};
    if (Status fits = FitHooks(configs, subject, types); !fits) return fits;
  }
  return {};
}

}  // namespace forkcast::serving
