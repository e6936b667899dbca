#pragma once

#include "serving/http/exchange.hpp"
#include "serving/service/service.hpp"

namespace forkcast::serving {

/// `GET /ping`: 200 while any worker is ready, else 503; without a body.
void Ping(Exchange& exchange, Service& service);
void DescribePing(ApiOperation& operation);

/// `GET /version`: the server's version as a text, as clients of MLflow's server ask it.
void AnswerVersion(Exchange& exchange, Service& service);
void DescribeVersion(ApiOperation& operation);

}  // namespace forkcast::serving
