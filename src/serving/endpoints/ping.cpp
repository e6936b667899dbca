#include "serving/endpoints/ping.hpp"

namespace forkcast::serving {

void Ping(Exchange& exchange, Service& service) {
  exchange.response().status = AnyReady(service.slots) ? 200 : 503;
}

}  // namespace forkcast::serving
