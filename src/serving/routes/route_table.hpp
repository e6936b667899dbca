#pragma once

#include <span>
#include <string>
#include <vector>

#include "data_preprocessing/base/result.hpp"
#include "serving/config/deployment.hpp"
#include "serving/http/endpoint.hpp"
#include "serving/routes/route_spec.hpp"

namespace forkcast::serving {

/// A route of any deployment. Method and path tell it from all others.
struct DeployedRoute {
  std::string operation;  ///< Its name among all that a server can be asked.
  RouteSpec spec;
};

/// The routes of a deployment. kInvalidArgument naming the place of what is wrong.
[[nodiscard]] Result<std::vector<RouteSpec>> ParseRoutes(const RouteDeclarations& declarations);

/// The routes of all deployments beside what is `built_in`. kInvalidArgument, also for a path that
/// two of them, or one and a built-in one, would answer.
[[nodiscard]] Result<std::vector<DeployedRoute>> CollectRoutes(
    std::span<const Deployment> deployments, std::span<const Endpoint> built_in);

}  // namespace forkcast::serving
