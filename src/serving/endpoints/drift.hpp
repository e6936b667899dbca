#pragma once

#include "serving/http/exchange.hpp"
#include "serving/service/service.hpp"

namespace forkcast::serving {

class ApiOperation;

/// The newest reports, as the recorder left them in shared memory: no file is opened.
void AnswerDrift(Exchange& exchange, Service& service);
void DescribeDrift(ApiOperation& operation);

}  // namespace forkcast::serving
