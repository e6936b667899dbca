#pragma once

#include <memory>
#include <string>

#include "serving/endpoints/models.hpp"
#include "serving/http/exchange.hpp"
#include "serving/service/service.hpp"

namespace forkcast::serving {

class ApiOperation;

// The Open Inference Protocol's extension for repositories of models: docs/open_inference.md.

/// `POST /v2/repository/index`: `[{"name", "version", "state", "reason"}]` of what is served, all
/// of which is READY.
void IndexModels(Exchange& exchange, Service& service);
void DescribeIndexModels(ApiOperation& operation);

/// `POST /v2/repository/models/{name}/load`: the model in the folder of its name, or at what
/// `{"parameters": {"url"}}` says. One that is served is left as it is: what is published of it is
/// swapped in anyway.
class LoadFromRepositoryJob final : public ModelChangeJob {
 public:
  explicit LoadFromRepositoryJob(Service& service) : ModelChangeJob(service) {}

 private:
  Result<std::shared_ptr<const ModelChange>> Ask() override;
  [[nodiscard]] std::string DoneText() const override { return "READY"; }
};
void DescribeLoadFromRepository(ApiOperation& operation);

/// `POST /v2/repository/models/{name}/unload`: of a model that was loaded so.
class UnloadFromRepositoryJob final : public ModelChangeJob {
 public:
  explicit UnloadFromRepositoryJob(Service& service) : ModelChangeJob(service) {}

 private:
  Result<std::shared_ptr<const ModelChange>> Ask() override;
  [[nodiscard]] std::string DoneText() const override { return "UNAVAILABLE"; }
};
void DescribeUnloadFromRepository(ApiOperation& operation);

}  // namespace forkcast::serving
