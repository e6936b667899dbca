#pragma once

#include <span>
#include <string>

#include "serving/access/access.hpp"
#include "serving/http/endpoint.hpp"
#include "serving/routes/route.hpp"
#include "serving/web/api_operation.hpp"

namespace forkcast::serving {

/// A route, and whose it is.
struct ApiRoute {
  const Route* route = nullptr;
  const ApiDeployment* deployment = nullptr;
};

/// What a server can be asked, as OpenAPI 3.1 in JSON: an operation for each endpoint, by the
/// router's own list, with the fields of the deployments, examples that can be asked, and errors.
/// `routes` are found among the endpoints by method and path. `proofs`: which operations take
/// which, and of which role.
[[nodiscard]] std::string DescribeApi(std::span<const Endpoint> endpoints,
                                      std::span<const ApiRoute> routes,
                                      std::span<const ApiDeployment> deployments,
                                      const Proofs& proofs = {});

}  // namespace forkcast::serving
