#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "data_preprocessing/base/result.hpp"
#include "serving/http/exchange.hpp"
#include "serving/service/catalogue.hpp"
#include "serving/service/served_pipeline.hpp"
#include "serving/service/service.hpp"
#include "serving/wire/tensor.hpp"

namespace forkcast::serving {

class ApiOperation;

// What the Open Inference Protocol (KServe's v2) asks of server and models beside their answers:
// docs/open_inference.md. A deployment is a model there, its version that of what it serves.

/// A member of a deployment's answer as a tensor; in the order of AnswerPlan::parts.
struct InferenceOutput {
  std::string_view name{};
  wire::Datatype datatype = wire::Datatype::kFp64;
  bool is_usual = true;  ///< Else it is answered when it is named.
};
/// Views `pipeline`.
[[nodiscard]] std::vector<InferenceOutput> InferenceOutputsOf(const ServedPipeline& pipeline);

/// The deployment that the path's `name` and `version`, if it has one, name: of the same model
/// also the one that serves that version. kNotFound says which there are.
[[nodiscard]] Result<Catalogue::Entry*> FindInferenceModel(const Exchange& exchange,
                                                           Service& service);

/// `GET /v2`: name, version and extensions of the protocol.
void ShowInferenceServer(Exchange& exchange, Service& service);
void DescribeInferenceServer(ApiOperation& operation);

/// `GET /v2/health/live`: 200.
void AnswerLive(Exchange& exchange, Service& service);
void DescribeLive(ApiOperation& operation);
/// `GET /v2/health/ready`: as /ping.
void AnswerReady(Exchange& exchange, Service& service);
void DescribeReady(ApiOperation& operation);

/// `GET /v2/models/{name}`: its inputs, which are the request's fields, and its outputs.
void ShowInferenceModel(Exchange& exchange, Service& service);
void DescribeInferenceModel(ApiOperation& operation);
/// `GET /v2/models/{name}/ready`
void AnswerModelReady(Exchange& exchange, Service& service);
void DescribeModelReady(ApiOperation& operation);

}  // namespace forkcast::serving
