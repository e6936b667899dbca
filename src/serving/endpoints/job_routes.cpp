#include "serving/endpoints/job_routes.hpp"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

#include "data_preprocessing/document/json.hpp"
#include "serving/http/error_response.hpp"
#include "serving/routes/answer_template.hpp"
#include "serving/routes/route_error.hpp"
#include "serving/wire/media_type.hpp"

namespace forkcast::serving {
namespace {

using Json = nlohmann::ordered_json;

/// Puts what the path has in the place of each "{parameter}".
void FillIn(Json& json, const Exchange& exchange) {
  if (json.is_structured()) {
    for (Json& member : json) FillIn(member, exchange);
    return;
  }
  if (!json.is_string()) return;
  const auto& text = json.get_ref<const std::string&>();
  if (text.size() < 3 || text.front() != '{' || text.back() != '}') return;
  json = std::string(exchange.PathParameter(std::string_view(text).substr(1, text.size() - 2)));
}

std::string_view CallersState(const RouteJobSpec& spec, const std::string& state) {
  const auto found =
      std::ranges::find(spec.states, state, &std::pair<std::string, std::string>::first);
  return found == spec.states.end() ? std::string_view(state) : std::string_view(found->second);
}

}  // namespace

Status JobByRoute::Begin(Exchange& exchange) {
  auto found = service().catalogue.FindRoute(exchange.endpoint().method, exchange.endpoint().path);
  if (!found) return std::move(found).error();
  route_ = std::move(found->route);
  deployment_ = found->entry->deployment.name;
  return JobsJob::Begin(exchange);
}

void JobByRoute::Answer(const JobReply& reply) {
  const Json job = Json::parse(reply.text);
  const std::string state = job.at("state").get<std::string>();
  TemplateScope scope = route_->scope();
  for (auto& [name, value] : scope.constants) {
    if (name == "job_id") value = preprocessing::DumpText(job.at("id"));
    if (name == "state") value = preprocessing::DumpText(CallersState(*spec().job, state));
  }
  const AnswerTemplate answer(preprocessing::JsonNode(spec().answer.json, spec().answer.path),
                              scope);
  exchange().response().body = answer.text();
}

void JobByRoute::Refuse(const Error& error) {
  exchange().Refuse(error);
  Response& response = exchange().response();
  response.status = route_->StatusOf(error.code);
  // What is no fault of the caller's is not told in words that say so.
  if (!route_->error_body() || response.status >= 500) return;
  response.content_type = wire::MediaType(wire::Format::kJson);
  response.body.clear();
  AppendError(*route_, *route_->error_body(), {.error = error, .request_id = exchange().id()},
              response.body);
  exchange().KeepErrorForm();
}

Result<JobRequest> SubmitByRouteJob::Ask() {
  Json order = spec().job->order;
  FillIn(order, exchange());
  if (!order.contains("deployment")) order["deployment"] = deployment();
  return JobRequest{.kind = JobRequest::Kind::kSubmit,
                    .body = preprocessing::DumpText(order),
                    .key = std::string(exchange().request().idempotency_key),
                    .by = exchange().CallerName()};
}

Result<JobRequest> StateByRouteJob::Ask() {
  return JobRequest{.kind = JobRequest::Kind::kShow,
                    .id = std::string(exchange().PathParameter(spec().job->id))};
}

}  // namespace forkcast::serving
