#pragma once

#include "serving/http/exchange.hpp"
#include "serving/service/service.hpp"

namespace forkcast::serving {

/// What an AWS SDK asks by InvokeEndpointWithResponseStream: refused, in words, since answers are
/// not streamed.
void RefuseStream(Exchange& exchange, Service& service);
void DescribeStream(ApiOperation& operation);

}  // namespace forkcast::serving
