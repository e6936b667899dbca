#include "serving/endpoints/inference_models.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "data_preprocessing/document/json.hpp"
#include "serving/endpoints/json_answer.hpp"
#include "serving/process/worker_slot.hpp"
#include "serving/upstream/remote_models.hpp"
#include "serving/web/api_operation.hpp"
#include "serving/web/api_schema.hpp"
#include "serving/wire/media_type.hpp"

namespace forkcast::serving {
namespace {

using nlohmann::ordered_json;
using preprocessing::ColumnSpec;
using preprocessing::ColumnType;

constexpr std::string_view kPlatform = "forkcast";

ColumnType TypeOf(const AnswerPart& part, const ServedPipeline& pipeline) {
  switch (part.from) {
    case AnswerPart::From::kRequest:
      return pipeline.fields().columns[part.column].type;
    case AnswerPart::From::kModel:
      return pipeline.answer().outputs[part.column].type;
    case AnswerPart::From::kVersion:
      break;
  }
  return ColumnType::kText;
}

ordered_json TensorOf(std::string_view name, wire::Datatype datatype) {
  return {{"name", name}, {"datatype", wire::NameOf(datatype)}, {"shape", {-1}}};
}

/// Versions of the model that are served, that of the deployment first.
std::vector<std::string> VersionsOf(const ServedPipeline& pipeline, const Catalogue& catalogue) {
  std::vector<std::string> versions{pipeline.model_version()};
  for (const Catalogue::Entry& entry : catalogue.entries()) {
    const ServedPipeline& other = *entry.deployment.pipeline;
    const bool is_known = std::ranges::find(versions, other.model_version()) != versions.end();
    if (other.model_name() == pipeline.model_name() && !is_known) {
      versions.push_back(other.model_version());
    }
  }
  return versions;
}

JsonSchema Flag() { return {{"type", "boolean"}}; }
JsonSchema Object(JsonSchema properties) {
  JsonSchema schema{{"type", "object"}};
  for (const auto& [name, its_schema] : properties.items()) schema["required"].push_back(name);
  schema["properties"] = std::move(properties);
  return schema;
}

JsonSchema TensorsSchema() {
  return ArrayOf(Object({{"name", TextSchema()},
                         {"datatype", TextSchema()},
                         {"shape", ArrayOf({{"type", "integer"}})}}));
}

}  // namespace

std::vector<InferenceOutput> InferenceOutputsOf(const ServedPipeline& pipeline) {
  const AnswerPlan& plan = pipeline.answer();
  std::vector<InferenceOutput> outputs;
  const auto add = [&](const std::vector<std::string>& names, bool is_usual) {
    for (const std::string& name : names) {
      const AnswerPart& part = plan.parts[outputs.size()];
      outputs.push_back({.name = name,
                         .datatype = wire::DatatypeOf(TypeOf(part, pipeline)),
                         .is_usual = is_usual});
    }
  };
  add(plan.schema.fields, true);
  add(plan.schema.line_fields, true);
  add(plan.schema.actuals, false);
  return outputs;
}

Result<Catalogue::Entry*> FindInferenceModel(const Exchange& exchange, Service& service) {
  const std::string_view name = exchange.PathParameter("name");
  Result<Catalogue::Entry*> found = service.catalogue.Find(name);
  const std::string_view version = exchange.PathParameter("version");
  if (!found || version.empty()) return found;
  const ServedPipeline& pipeline = *(*found)->deployment.pipeline;
  Catalogue::Entry* const of_version =
      service.catalogue.OfVersion(pipeline.model_name(), version, *found);
  if (of_version != nullptr) return of_version;
  return Error{ErrorCode::kNotFound,
               fmt::format("version \"{}\" of \"{}\" is not served; there are: {}", version, name,
                           fmt::join(VersionsOf(pipeline, service.catalogue), ", "))};
}

void ShowInferenceServer(Exchange& exchange, Service& service) {
  ordered_json extensions{"binary_tensor_data", "parameters"};
  if (service.models != nullptr) extensions.push_back("model_repository");
  AnswerJson({{"name", "forkcast"}, {"version", FORKCAST_VERSION}, {"extensions", extensions}},
             exchange.response());
}

void DescribeInferenceServer(ApiOperation& operation) {
  operation.AddAnswer("200", "Name, version, and extensions of the protocol.",
                      wire::MediaType(wire::Format::kJson),
                      Object({{"name", TextSchema()},
                              {"version", TextSchema()},
                              {"extensions", ArrayOf(TextSchema())}}));
}

void AnswerLive(Exchange& exchange, Service&) { AnswerJson({{"live", true}}, exchange.response()); }

void DescribeLive(ApiOperation& operation) {
  operation.AddAnswer("200", "It is.", wire::MediaType(wire::Format::kJson),
                      Object({{"live", Flag()}}));
}

void AnswerReady(Exchange& exchange, Service& service) {
  if (!AnyReady(service.slots)) return exchange.Refuse(Catalogue::NotReady());
  AnswerJson({{"ready", true}}, exchange.response());
}

void DescribeReady(ApiOperation& operation) {
  operation.AddAnswer("200", "One does.", wire::MediaType(wire::Format::kJson),
                      Object({{"ready", Flag()}}));
}

void ShowInferenceModel(Exchange& exchange, Service& service) {
  const Result<Catalogue::Entry*> found = FindInferenceModel(exchange, service);
  if (!found) return exchange.Refuse(found.error());
  const ServedDeployment& deployment = (*found)->deployment;
  const ServedPipeline& pipeline = *deployment.pipeline;
  ordered_json model{{"name", deployment.name},
                     {"versions", VersionsOf(pipeline, service.catalogue)},
                     {"platform", kPlatform},
                     {"inputs", ordered_json::array()},
                     {"outputs", ordered_json::array()}};
  for (const ColumnSpec& field : pipeline.fields().columns) {
    ordered_json input = TensorOf(field.name, wire::DatatypeOf(field.type));
    if (field.nullable) input["parameters"]["optional"] = true;
    // As MLServer calls texts that are times.
    if (field.type == ColumnType::kTimestamp) {
      input["parameters"]["content_type"] = "datetime";
    }
    model["inputs"].push_back(std::move(input));
  }
  for (const InferenceOutput& output : InferenceOutputsOf(pipeline)) {
    if (output.is_usual) model["outputs"].push_back(TensorOf(output.name, output.datatype));
  }
  AnswerJson(model, exchange.response());
}

void DescribeInferenceModel(ApiOperation& operation) {
  operation.AddAnswer("200", "Its inputs, the request's fields, and its outputs.",
                      wire::MediaType(wire::Format::kJson),
                      Object({{"name", TextSchema()},
                              {"versions", ArrayOf(TextSchema())},
                              {"platform", TextSchema()},
                              {"inputs", TensorsSchema()},
                              {"outputs", TensorsSchema()}}));
}

void AnswerModelReady(Exchange& exchange, Service& service) {
  const Result<Catalogue::Entry*> found = FindInferenceModel(exchange, service);
  if (!found) return exchange.Refuse(found.error());
  const std::shared_ptr<const RemotePlan>& remote = (*found)->deployment.pipeline->remote();
  if (remote != nullptr && service.remotes != nullptr) {
    const RemoteModel* const model = service.remotes->Find(*remote);
    const Status ready = model == nullptr ? Catalogue::NotReady() : model->CheckReady();
    if (!ready) return exchange.Refuse(ready.error());
  }
  AnswerJson({{"name", (*found)->deployment.name}, {"ready", true}}, exchange.response());
}

void DescribeModelReady(ApiOperation& operation) {
  operation.AddAnswer("200", "It answers.", wire::MediaType(wire::Format::kJson),
                      Object({{"name", TextSchema()}, {"ready", Flag()}}));
}

}  // namespace forkcast::serving
