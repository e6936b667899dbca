#pragma once

#include <memory>
#include <string>
#include <unordered_map>

#include "serving/upstream/remote_model.hpp"

namespace forkcast::serving {

/// The remote models of a worker, by the plan of the pipeline that asks. For its loop alone.
class RemoteModels {
 public:
  /// As RemoteModel.
  explicit RemoteModels(const RemoteModel::Context& context) : context_(context) {}

  /// From now on the model of this plan may be asked, for the deployment that is called so. No
  /// effect when it may already.
  void Use(const std::string& deployment, const std::shared_ptr<const RemotePlan>& plan);
  /// The one of a plan; null where nobody said that it is used.
  [[nodiscard]] RemoteModel* Find(const RemotePlan& plan) const noexcept;

 private:
  RemoteModel::Context context_;
  std::unordered_map<const RemotePlan*, std::unique_ptr<RemoteModel>> models_;
};

}  // namespace forkcast::serving
