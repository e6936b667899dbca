#pragma once

#include "serving/http/exchange.hpp"
#include "serving/service/service.hpp"

namespace forkcast::serving {

/// `GET /openapi.json`: what can be asked, by what is served now.
void AnswerOpenApi(Exchange& exchange, Service& service);
void DescribeOpenApi(ApiOperation& operation);

/// `GET /documentation`: the page that shows it.
void AnswerDocumentation(Exchange& exchange, Service& service);
void DescribeDocumentation(ApiOperation& operation);

}  // namespace forkcast::serving
