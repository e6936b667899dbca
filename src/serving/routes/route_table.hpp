#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "data_preprocessing/base/result.hpp"
#include "serving/config/deployment.hpp"
#include "serving/http/endpoint.hpp"
#include "serving/routes/route_spec.hpp"

namespace forkcast::serving {

/// A route and whose it is.
struct DeployedRoute {
  std::string deployment;
  std::size_t index = 0;  ///< Among the routes of the deployment.
  std::string operation;  ///< Its name among all that a server can be asked.
  RouteSpec spec;
};

/// The routes of a deployment. kInvalidArgument naming the place of what is wrong.
[[nodiscard]] Result<std::vector<RouteSpec>> ParseRoutes(const RouteDeclarations& declarations);

/// The routes of all deployments beside what is `built_in`. kInvalidArgument, also for a path that
/// two of them, or one and a built-in one, would answer.
[[nodiscard]] Result<std::vector<DeployedRoute>> CollectRoutes(
    std::span<const Deployment> deployments, std::span<const Endpoint> built_in);

/// `built_in`, and an endpoint for each route, whose jobs `make` makes. Views `routes`.
[[nodiscard]] std::vector<Endpoint> WithRoutes(std::span<const Endpoint> built_in,
                                               std::span<const DeployedRoute> routes,
                                               std::unique_ptr<Job> (*make)(Service& service));

}  // namespace forkcast::serving
