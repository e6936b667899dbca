#include "serving/endpoints/models.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "data_preprocessing/document/json.hpp"
#include "data_preprocessing/document/json_node.hpp"
#include "data_preprocessing/table/parse_value.hpp"
#include "serving/config/deployment.hpp"
#include "serving/endpoints/json_answer.hpp"
#include "serving/http/error_response.hpp"
#include "serving/web/api_operation.hpp"
#include "serving/wire/media_type.hpp"

namespace forkcast::serving {
namespace {

using nlohmann::ordered_json;
using preprocessing::JsonNode;

constexpr std::int64_t kMostOfAPage = 100;
constexpr std::size_t kMostLoadBytes = 65536;  // of a name and a path

Error NotFound(std::string_view name) {
  return {ErrorCode::kNotFound, fmt::format("Model not found: {}", name)};
}

ordered_json Shown(const ServedDeployment& model) {
  return {{"modelName", model.name}, {"modelUrl", model.url}};
}

Result<std::int64_t> NumberIn(const Exchange& exchange, std::string_view parameter,
                              std::int64_t least, std::int64_t most, std::int64_t otherwise) {
  const auto text = exchange.QueryParameter(parameter);
  if (!text) return text.error();
  if (!*text) return otherwise;
  const Result<std::int64_t> number = preprocessing::ParseInt64(**text);
  if (number && *number >= least && *number <= most) return number;
  return Error{ErrorCode::kInvalidArgument,
               fmt::format("expected an integer from {} to {}", least, most),
               std::string(parameter)};
}

JsonSchema ModelSchema() {
  const JsonSchema text{{"type", "string"}};
  return {{"type", "object"},
          {"required", {"modelName", "modelUrl"}},
          {"properties", {{"modelName", text}, {"modelUrl", text}}}};
}

JsonSchema ModelStatusSchema() {
  return {{"type", "object"},
          {"required", JsonSchema::array({"status"})},
          {"properties", {{"status", {{"type", "string"}}}}}};
}

struct LoadRequest {
  std::string name;
  std::string url;
};

Result<LoadRequest> ReadLoadRequest(std::string_view body) {
  if (body.size() > kMostLoadBytes) {
    return Error{
        ErrorCode::kTooLarge,
        fmt::format("expected {{\"model_name\", \"url\"}} in at most {} bytes", kMostLoadBytes)};
  }
  try {
    const ordered_json json = preprocessing::ParseJson(body);
    const JsonNode root(json);
    LoadRequest request{.name = root.Get("model_name").String(), .url = root.Get("url").String()};
    if (IsDeploymentName(request.name)) return request;
    return Error{ErrorCode::kInvalidArgument, fmt::format("expected {}", kDeploymentNameForm),
                 "model_name"};
  } catch (const preprocessing::SpecError& error) {
    return Error{ErrorCode::kInvalidArgument, error.what()};
  }
}

}  // namespace

void ListModels(Exchange& exchange, Service& service) {
  if (!service.catalogue.is_ready()) return exchange.Refuse(Catalogue::NotReady());
  const std::vector<Catalogue::Entry>& all = service.catalogue.entries();
  const auto count = static_cast<std::int64_t>(all.size());
  const auto limit = NumberIn(exchange, "limit", 1, kMostOfAPage, kMostOfAPage);
  if (!limit) return exchange.Refuse(limit.error());
  const auto first = NumberIn(exchange, "next_page_token", 0, count, 0);
  if (!first) return exchange.Refuse(first.error());
  ordered_json page{{"models", ordered_json::array()}};
  const std::int64_t end = std::min(*first + *limit, count);
  for (std::int64_t i = *first; i < end; ++i) {
    page["models"].push_back(Shown(all[static_cast<std::size_t>(i)].deployment));
  }
  if (end < count) page["nextPageToken"] = std::to_string(end);
  AnswerJson(page, exchange.response());
}

void DescribeListModels(ApiOperation& operation) {
  operation.Add({.in = ApiOperation::In::kQuery,
                 .name = "limit",
                 .description = "How many at once.",
                 .schema = {{"type", "integer"}, {"minimum", 1}, {"maximum", kMostOfAPage}}});
  operation.Add({.in = ApiOperation::In::kQuery,
                 .name = "next_page_token",
                 .description = "From where on: the nextPageToken of the page before.",
                 .schema = {{"type", "integer"}, {"minimum", 0}}});
  operation.AddAnswer(
      "200", "Those that are loaded.", wire::MediaType(wire::Format::kJson),
      {{"type", "object"},
       {"required", JsonSchema::array({"models"})},
       {"properties",
        {{"models", ArrayOf(ModelSchema())}, {"nextPageToken", {{"type", "string"}}}}}});
}

void ShowModel(Exchange& exchange, Service& service) {
  if (!service.catalogue.is_ready()) return exchange.Refuse(Catalogue::NotReady());
  const std::string_view name = exchange.PathParameter("name");
  const Catalogue::Entry* const model = service.catalogue.Named(name);
  if (model == nullptr) return exchange.Refuse(NotFound(name));
  AnswerJson(Shown(model->deployment), exchange.response());
}

void DescribeShowModel(ApiOperation& operation) {
  operation.AddAnswer("200", "It is loaded.", wire::MediaType(wire::Format::kJson), ModelSchema());
}

Status ModelChangeJob::Begin(Exchange& exchange) {
  exchange_ = &exchange;
  change_.reset();
  return {};
}

Progress ModelChangeJob::Work() {
  if (!change_) {
    auto asked = service_.catalogue.is_ready() ? Ask() : Catalogue::NotReady();
    if (!asked) {
      exchange_->Refuse(asked.error());
      return Progress::kDone;
    }
    change_ = *std::move(asked);
  }
  const bool stops = service_.server.stop_deadline_ns.load(std::memory_order_relaxed) != 0;
  if (change_->outcome == ModelChange::Outcome::kPending && !stops) return Progress::kWaits;
  Answer();
  change_.reset();
  return Progress::kDone;
}

void ModelChangeJob::Answer() {
  switch (change_->outcome) {
    case ModelChange::Outcome::kPending:
      return exchange_->Refuse({ErrorCode::kNotReady, "the server is stopping"});
    case ModelChange::Outcome::kDone:
      return AnswerJson({{"status", DoneText()}}, exchange_->response());
    case ModelChange::Outcome::kRefused:
      return exchange_->Refuse(change_->error);
    case ModelChange::Outcome::kNoRoom:
      return WriteNoRoom(change_->error.message, exchange_->id(), exchange_->response());
  }
}

Result<std::shared_ptr<const ModelChange>> LoadModelJob::Ask() {
  const Result<LoadRequest> request = ReadLoadRequest(exchange().request().body);
  if (!request) return request.error();
  return service().models->Load(request->name, request->url, exchange().request().deadline);
}

std::string LoadModelJob::DoneText() const { return "Workers scaled"; }

void DescribeLoadModel(ApiOperation& operation) {
  const JsonSchema text{{"type", "string"}};
  operation.AddBody(wire::MediaType(wire::Format::kJson),
                    {{"type", "object"},
                     {"required", {"model_name", "url"}},
                     {"properties", {{"model_name", text}, {"url", text}}}});
  operation.AddAnswer("200", "Every worker answers for it.", wire::MediaType(wire::Format::kJson),
                      ModelStatusSchema());
}

Result<std::shared_ptr<const ModelChange>> UnloadOne(const std::string& name,
                                                     const Exchange& exchange, Service& service) {
  const Catalogue::Entry* const model = service.catalogue.Named(name);
  if (model != nullptr && model->deployment.is_declared) {
    return Error{ErrorCode::kConflict,
                 fmt::format("Model {} is declared by the server's settings, which alone can "
                             "take it away",
                             name)};
  }
  return service.models->Unload(name, exchange.request().deadline);
}

Result<std::shared_ptr<const ModelChange>> UnloadModelJob::Ask() {
  return UnloadOne(std::string(exchange().PathParameter("name")), exchange(), service());
}

std::string UnloadModelJob::DoneText() const {
  return fmt::format("Model \"{}\" unregistered", exchange().PathParameter("name"));
}

void DescribeUnloadModel(ApiOperation& operation) {
  operation.AddAnswer("200", "No worker has anything of it.", wire::MediaType(wire::Format::kJson),
                      ModelStatusSchema());
}

Result<Catalogue::Entry*> InvokeModelJob::FindDeployment() {
  const std::string_view name = exchange().PathParameter("name");
  Catalogue& catalogue = service().catalogue;
  if (catalogue.is_ready() && catalogue.Named(name) == nullptr) return NotFound(name);
  return catalogue.Find(name);
}

}  // namespace forkcast::serving
