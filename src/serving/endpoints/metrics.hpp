#pragma once

#include "serving/http/exchange.hpp"
#include "serving/service/service.hpp"

namespace forkcast::serving {

/// `GET /metrics`: what the whole server counts, in a form that Prometheus reads, out of memory
/// that all processes share: any worker can tell, and asks nobody.
void AnswerMetrics(Exchange& exchange, Service& service);
void DescribeMetrics(ApiOperation& operation);

}  // namespace forkcast::serving
