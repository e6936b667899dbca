#pragma once

#include <memory>
#include <string>

#include "serving/endpoints/invocation_job.hpp"
#include "serving/http/exchange.hpp"
#include "serving/http/job.hpp"
#include "serving/service/model_control.hpp"
#include "serving/service/service.hpp"

namespace forkcast::serving {

class ApiOperation;

// SageMaker's multi-model contract: models that come and go while the server runs. Bodies and texts
// are those of its multi-model server.

/// `GET /models`: `{"models": [{"modelName", "modelUrl"}], "nextPageToken"?}`; `?limit=` (100,
/// which is also the most) and `?next_page_token=`.
void ListModels(Exchange& exchange, Service& service);
void DescribeListModels(ApiOperation& operation);

/// `GET /models/{name}`: one of them.
void ShowModel(Exchange& exchange, Service& service);
void DescribeShowModel(ApiOperation& operation);

/// Begins to unload a model; kConflict for one that settings declare.
Result<std::shared_ptr<const ModelChange>> UnloadOne(const std::string& name,
                                                     const Exchange& exchange, Service& service);

/// A request that is answered when all workers have done what it asks.
class ModelChangeJob : public Job {
 public:
  Status Begin(Exchange& exchange) final;
  Progress Work() final;

 protected:
  explicit ModelChangeJob(Service& service) : service_(service) {}

  /// Begins what is asked. An error is the answer.
  virtual Result<std::shared_ptr<const ModelChange>> Ask() = 0;
  /// What is said when it is done.
  [[nodiscard]] virtual std::string DoneText() const = 0;

  [[nodiscard]] Exchange& exchange() const noexcept { return *exchange_; }
  [[nodiscard]] Service& service() const noexcept { return service_; }

 private:
  void Answer();

  Service& service_;
  Exchange* exchange_ = nullptr;
  std::shared_ptr<const ModelChange> change_;
};

/// `POST /models`: loads `{"model_name", "url"}`.
class LoadModelJob final : public ModelChangeJob {
 public:
  explicit LoadModelJob(Service& service) : ModelChangeJob(service) {}

 private:
  Result<std::shared_ptr<const ModelChange>> Ask() override;
  [[nodiscard]] std::string DoneText() const override;
};
void DescribeLoadModel(ApiOperation& operation);

/// `DELETE /models/{name}`: unloads a model that was loaded so.
class UnloadModelJob final : public ModelChangeJob {
 public:
  explicit UnloadModelJob(Service& service) : ModelChangeJob(service) {}

 private:
  Result<std::shared_ptr<const ModelChange>> Ask() override;
  [[nodiscard]] std::string DoneText() const override;
};
void DescribeUnloadModel(ApiOperation& operation);

/// `POST /models/{name}/invoke`: as `/invocations`, of the model in the path. The header
/// X-Amzn-SageMaker-Target-Model, an artefact's path there, says nothing to us.
class InvokeModelJob final : public InvocationJob {
 public:
  explicit InvokeModelJob(Service& service) : InvocationJob(service) {}

 private:
  Result<Catalogue::Entry*> FindDeployment() override;
};

}  // namespace forkcast::serving
