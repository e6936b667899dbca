#include "serving/endpoints/ping.hpp"

#include <string_view>

#include "serving/web/api_operation.hpp"

namespace forkcast::serving {
namespace {

constexpr std::string_view kPlainText = "text/plain";

}  // namespace

void Ping(Exchange& exchange, Service& service) {
  exchange.response().status = AnyReady(service.slots) ? 200 : 503;
}

void DescribePing(ApiOperation& operation) {
  operation.AddAnswer("200", "One does.");
  operation.AddAnswer("503", "None does.");
}

void AnswerVersion(Exchange& exchange, Service& /*service*/) {
  exchange.response().content_type = kPlainText;
  exchange.response().body = FORKCAST_VERSION;
}

void DescribeVersion(ApiOperation& operation) {
  operation.AddAnswer("200", "The version of Forkcast.", kPlainText, {{"type", "string"}});
}

}  // namespace forkcast::serving
