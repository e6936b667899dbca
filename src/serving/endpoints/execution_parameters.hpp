#pragma once

#include "serving/http/exchange.hpp"
#include "serving/service/service.hpp"

namespace forkcast::serving {

/// `GET /execution-parameters`: what SageMaker's batch transform asks before it sends rows:
///   {"MaxConcurrentTransforms":8,"BatchStrategy":"MULTI_RECORD","MaxPayloadInMB":6}
/// A request for each worker that there is or soon will be, since each works on one at a time, of
/// at most as many whole MiB as a body may have. SageMaker takes no more than 100 MB, nor more than
/// that of all concurrent requests together. A server that takes bodies of less than 1 MiB is asked
/// for each row by itself.
void ExecutionParameters(Exchange& exchange, Service& service);
void DescribeExecutionParameters(ApiOperation& operation);

}  // namespace forkcast::serving
