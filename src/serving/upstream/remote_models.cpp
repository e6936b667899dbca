#include "serving/upstream/remote_models.hpp"

namespace forkcast::serving {

void RemoteModels::Use(const std::string& deployment,
                       const std::shared_ptr<const RemotePlan>& plan) {
  std::unique_ptr<RemoteModel>& model = models_[plan.get()];
  if (model == nullptr) model = std::make_unique<RemoteModel>(deployment, plan, context_);
}

RemoteModel* RemoteModels::Find(const RemotePlan& plan) const noexcept {
  const auto found = models_.find(&plan);
  return found == models_.end() ? nullptr : found->second.get();
}

}  // namespace forkcast::serving
