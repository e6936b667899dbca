#include "serving/endpoints/drift.hpp"

#include <optional>
#include <string>

#include "serving/web/api_operation.hpp"
#include "serving/wire/media_type.hpp"

namespace forkcast::serving {

void AnswerDrift(Exchange& exchange, Service& service) {
  // None: it is being written just now.
  std::optional<std::string> reports =
      service.drift == nullptr ? std::string() : service.drift->Get();
  if (!reports) {
    return exchange.Refuse(
        {ErrorCode::kNotReady, "the reports are being written: ask again in a moment"});
  }
  Response& response = exchange.response();
  response.content_type = wire::MediaType(wire::Format::kJson);
  response.body = reports->empty() ? R"({"deployments":[]})" : *reports;
}

void DescribeDrift(ApiOperation& operation) {
  operation.AddAnswer(
      "200", "The reports; none before the first window is complete.", "application/json",
      {{"type", "object"},
       {"required", {"deployments"}},
       {"properties", {{"deployments", {{"type", "array"}, {"items", {{"type", "object"}}}}}}}});
}

}  // namespace forkcast::serving
