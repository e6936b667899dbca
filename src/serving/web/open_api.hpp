#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "serving/http/endpoint.hpp"
#include "serving/web/api_operation.hpp"

namespace forkcast::serving {

/// A route among the endpoints, by Endpoint::route.
struct ApiRoute {
  std::size_t deployment = 0;  ///< Position of its deployment,
  std::size_t index = 0;       ///< and among that one's routes.
};

/// What a server can be asked, as OpenAPI 3.1 in JSON: an operation for each endpoint, by the
/// router's own list, with the fields of the deployments, examples that can be asked, and errors.
[[nodiscard]] std::string DescribeApi(std::span<const Endpoint> endpoints,
                                      std::span<const ApiRoute> routes,
                                      std::span<const ApiDeployment> deployments);

}  // namespace forkcast::serving
