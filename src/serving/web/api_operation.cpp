#include "serving/web/api_operation.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "serving/http/url.hpp"
#include "serving/wire/media_type.hpp"

namespace forkcast::serving {
namespace {

constexpr std::array<std::string_view, 3> kPlaces{"path", "query", "header"};

/// How errors come about, whatever is asked. Whole classes, since what comes before the question
/// (bytes that are no request, a body that is too large) is answered in the same form.
constexpr std::array<std::pair<std::string_view, std::string_view>, 2> kErrors{{
    {"4XX", "What was asked is wrong, not there, or cannot be answered; `error` says why."},
    {"5XX",
     "Not ready yet, or too much is waiting (503); too late (504); a model elsewhere failed (502); "
     "our fault (500)."},
}};

std::string_view SchemaOf(ErrorForm form) noexcept {
  switch (form) {
    case ErrorForm::kPlain:
    case ErrorForm::kOwn:
      break;
    case ErrorForm::kSageMaker:
      return "SageMakerError";
    case ErrorForm::kModels:
      return "ModelError";
    case ErrorForm::kInference:
      return "InferenceError";
  }
  return "Error";
}

}  // namespace

ApiOperation::ApiOperation(const Endpoint& endpoint, std::span<const ApiDeployment> deployments)
    : deployments_(deployments) {
  json_["operationId"] = endpoint.operation;
  json_["summary"] = endpoint.description;
  json_["parameters"] = nlohmann::ordered_json::array();
  const PathPattern pattern(endpoint.path);
  for (const std::string& name : pattern.names()) {
    Add({.in = In::kPath, .name = name, .required = true, .schema = {{"type", "string"}}});
  }
  json_["responses"] = nlohmann::ordered_json::object();
  for (const auto& [status, description] : kErrors) {
    AddAnswer(status, description, wire::MediaType(wire::Format::kJson),
              SchemaNamed(SchemaOf(endpoint.errors)));
    if (endpoint.errors != ErrorForm::kPlain) continue;
    AddAnswer(status, description, "application/problem+json", SchemaNamed("Problem"));
  }
}

void ApiOperation::Add(const Parameter& parameter) {
  nlohmann::ordered_json added{{"name", parameter.name},
                               {"in", kPlaces[static_cast<std::size_t>(parameter.in)]},
                               {"required", parameter.required},
                               {"schema", parameter.schema}};
  if (!parameter.description.empty()) added["description"] = parameter.description;
  if (!parameter.example.is_null()) added["example"] = parameter.example;
  nlohmann::ordered_json& all = json_["parameters"];
  const auto same = std::ranges::find_if(all, [&added](const nlohmann::ordered_json& one) {
    return one["name"] == added["name"] && one["in"] == added["in"];
  });
  if (same == all.end()) {
    all.push_back(std::move(added));
  } else {
    *same = std::move(added);
  }
}

void ApiOperation::AddBody(std::string_view media_type, JsonSchema schema,
                           nlohmann::ordered_json example) {
  nlohmann::ordered_json& body = json_["requestBody"];
  body["required"] = true;
  nlohmann::ordered_json& content = body["content"][media_type];
  content["schema"] = std::move(schema);
  if (!example.is_null()) content["example"] = std::move(example);
}

void ApiOperation::AddAnswer(std::string_view status, std::string_view description,
                             std::string_view media_type, JsonSchema schema) {
  nlohmann::ordered_json& answer = json_["responses"][status];
  answer["description"] = description;
  if (media_type.empty()) {
    answer.erase("content");
  } else {
    answer["content"][media_type]["schema"] = std::move(schema);
  }
}

}  // namespace forkcast::serving
