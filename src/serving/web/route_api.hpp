#pragma once

#include "serving/routes/route.hpp"
#include "serving/web/api_operation.hpp"

namespace forkcast::serving {

/// Describes what callers of a route of `deployment` send and get, in their words.
void DescribeRoute(const Route& route, const ApiDeployment& deployment, ApiOperation& operation);

}  // namespace forkcast::serving
