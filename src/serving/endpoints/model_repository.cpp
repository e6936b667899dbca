#include "serving/endpoints/model_repository.hpp"

#include <fmt/format.h>

#include <optional>
#include <string_view>
#include <utility>

#include "data_preprocessing/document/json.hpp"
#include "data_preprocessing/document/json_node.hpp"
#include "serving/config/deployment.hpp"
#include "serving/endpoints/json_answer.hpp"
#include "serving/web/api_operation.hpp"
#include "serving/wire/media_type.hpp"

namespace forkcast::serving {
namespace {

using nlohmann::ordered_json;
using preprocessing::JsonNode;

constexpr std::size_t kMostQuestionBytes = 65536;  // of what says which models are meant

/// What a body says that may be absent, read by `read`.
template <typename Read>
Status ReadBody(std::string_view body, Read read) {
  if (body.size() > kMostQuestionBytes) {
    return Error{ErrorCode::kTooLarge,
                 fmt::format("expected at most {} bytes of JSON", kMostQuestionBytes)};
  }
  if (body.find_first_not_of(" \t\r\n") == std::string_view::npos) return {};
  try {
    const ordered_json json = preprocessing::ParseJson(body);
    return read(JsonNode(json));
  } catch (const preprocessing::SpecError& error) {
    return Error{ErrorCode::kInvalidArgument, error.what()};
  }
}

/// The place that a request to load names; empty: none. What would load something else than what
/// lies there is refused.
Status ReadUrl(const JsonNode& root, std::string& url) {
  const std::optional<JsonNode> parameters = root.Find("parameters");
  if (!parameters) return {};
  if (const auto named = parameters->Find("url")) url = named->String();
  for (const auto& [name, value] : parameters->json().items()) {
    if (name != "config" && !name.starts_with("file:")) continue;
    return Error{ErrorCode::kInvalidArgument,
                 "a model is loaded as it lies on the disk: expected no config and no files", name};
  }
  return {};
}

JsonSchema RepositoryStatusSchema() {
  return {{"type", "object"}, {"properties", {{"status", {{"type", "string"}}}}}};
}

}  // namespace

void IndexModels(Exchange& exchange, Service& service) {
  if (!service.catalogue.is_ready()) return exchange.Refuse(Catalogue::NotReady());
  const Status read = ReadBody(exchange.request().body, [](const JsonNode& root) -> Status {
    if (const auto ready = root.Find("ready")) static_cast<void>(ready->Bool());
    return {};
  });
  if (!read) return exchange.Refuse(read.error());
  ordered_json index = ordered_json::array();
  for (const Catalogue::Entry& entry : service.catalogue.entries()) {
    index.push_back({{"name", entry.deployment.name},
                     {"version", entry.deployment.pipeline->model_version()},
                     {"state", "READY"},
                     {"reason", ""}});
  }
  AnswerJson(index, exchange.response());
}

void DescribeIndexModels(ApiOperation& operation) {
  const JsonSchema text{{"type", "string"}};
  operation.AddAnswer(
      "200", "What is served.", wire::MediaType(wire::Format::kJson),
      ArrayOf({{"type", "object"},
               {"required", {"name", "version", "state", "reason"}},
               {"properties",
                {{"name", text}, {"version", text}, {"state", text}, {"reason", text}}}}));
}

Result<std::shared_ptr<const ModelChange>> LoadFromRepositoryJob::Ask() {
  const std::string name(exchange().PathParameter("name"));
  std::string url;
  const Status read = ReadBody(exchange().request().body,
                               [&url](const JsonNode& root) { return ReadUrl(root, url); });
  if (!read) return read.error();
  if (service().catalogue.Named(name) != nullptr) {
    return std::make_shared<const ModelChange>(ModelChange{.outcome = ModelChange::Outcome::kDone});
  }
  if (!IsDeploymentName(name)) {
    return Error{ErrorCode::kInvalidArgument, fmt::format("expected {}", kDeploymentNameForm),
                 "name"};
  }
  if (url.empty()) url = service().models->UsualUrl(name);
  return service().models->Load(name, url, exchange().request().deadline);
}

void DescribeLoadFromRepository(ApiOperation& operation) {
  operation.AddAnswer("200", "Every worker answers for it.", wire::MediaType(wire::Format::kJson),
                      RepositoryStatusSchema());
}

Result<std::shared_ptr<const ModelChange>> UnloadFromRepositoryJob::Ask() {
  return UnloadOne(std::string(exchange().PathParameter("name")), exchange(), service());
}

void DescribeUnloadFromRepository(ApiOperation& operation) {
  operation.AddAnswer("200", "No worker has anything of it.", wire::MediaType(wire::Format::kJson),
                      RepositoryStatusSchema());
}

}  // namespace forkcast::serving
