#include "serving/endpoints/ping.hpp"

#include "serving/web/api_operation.hpp"

namespace forkcast::serving {

void Ping(Exchange& exchange, Service& service) {
  exchange.response().status = AnyReady(service.slots) ? 200 : 503;
}

void DescribePing(ApiOperation& operation) {
  operation.AddAnswer("200", "One does.");
  operation.AddAnswer("503", "None does.");
}

}  // namespace forkcast::serving
