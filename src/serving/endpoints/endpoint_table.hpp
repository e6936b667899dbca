#pragma once

#include <span>
#include <vector>

#include "data_preprocessing/base/result.hpp"
#include "serving/config/deployment.hpp"
#include "serving/http/endpoint.hpp"
#include "serving/routes/route_table.hpp"

namespace forkcast::serving {

/// What every server can be asked. A new endpoint is a line in this table (../README.md).
[[nodiscard]] std::span<const Endpoint> Endpoints() noexcept;

/// The same and what deployments declare. Views `routes`.
[[nodiscard]] std::vector<Endpoint> EndpointsWith(std::span<const DeployedRoute> routes);

/// The routes that the deployments declare: CollectRoutes() beside Endpoints().
[[nodiscard]] Result<std::vector<DeployedRoute>> RoutesOf(std::span<const Deployment> deployments);

}  // namespace forkcast::serving
