#include "serving/service/remote_scoring.hpp"

#include <fmt/format.h>

#include <chrono>
#include <cmath>
#include <utility>
#include <variant>

#include "serving/upstream/fetch_binding.hpp"
#include "serving/upstream/remote_models.hpp"

namespace forkcast::serving {

using preprocessing::FeatureSpec;
using preprocessing::Value;

namespace {

constexpr std::chrono::milliseconds kProbeTime{2000};

}  // namespace

Status CheckForRemote(std::span<const Value> features, const RemotePlan& plan) {
  for (std::size_t i = 0; i < features.size(); ++i) {
    const auto* const number = std::get_if<double>(&features[i]);
    if (number == nullptr || !std::isinf(*number)) continue;
    return Error{ErrorCode::kInvalidArgument,
                 "the feature is infinite, which cannot be sent to the model's server",
                 plan.features[i].name};
  }
  return {};
}

Result<std::shared_ptr<const RemotePlan>> PlanRemote(const preprocessing::PipelineSpec& spec,
                                                     const RemoteModelSpec& remote) {
  RemotePlan plan{.spec = remote, .features = {}};
  for (const FeatureSpec& feature : spec.features) {
    plan.features.push_back({.name = feature.name,
                             .type = feature.type,
                             .may_be_missing = feature.keeps_missing && !feature.when_missing});
  }
  if (plan.features.empty()) {
    return Error{ErrorCode::kInvalidArgument,
                 "$.features: expected at least one, for the model that runs elsewhere"};
  }
  auto shared = std::make_shared<const RemotePlan>(std::move(plan));
  if (!remote.is_checked_at_load) return std::shared_ptr<const RemotePlan>(std::move(shared));
  if (Status fits = ProbeRemote(shared, kProbeTime); !fits) return std::move(fits).error();
  return std::shared_ptr<const RemotePlan>(std::move(shared));
}

std::string RemoteVersionText(const RemoteModelSpec& remote) {
  return remote.version.empty() ? "remote" : remote.version;
}

void RemoteScoring::Start(const ScoringTask& task) {
  pending_.reset();
  scores_.outputs.clear();
  scores_.texts.clear();
  remotes_ = task.remotes;
  deadline_ = task.deadline;
  wake_ = task.wake;
}

Result<Progress> RemoteScoring::Ask(std::span<const Value> features) {
  if (features.empty()) return Progress::kDone;
  if (pending_ == nullptr) {
    RemoteModel* const model = remotes_ == nullptr ? nullptr : remotes_->Find(plan_);
    if (model == nullptr) {
      return Error{ErrorCode::kNotReady,
                   fmt::format("nobody asks the remote model \"{}\" here", plan_.spec.model)};
    }
    auto pending =
        model->Ask({.features = features, .deadline = deadline_, .wake = std::move(wake_)});
    if (!pending) return std::move(pending).error();
    pending_ = *std::move(pending);
  }
  std::optional<Result<RemoteScores>>& reply = pending_->reply();
  if (!reply) return Progress::kWaits;
  if (!*reply) return std::move(*reply).error();
  scores_ = std::move(**reply);
  return Progress::kDone;
}

}  // namespace forkcast::serving
