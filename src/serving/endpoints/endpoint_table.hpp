#pragma once

#include <span>
#include <vector>

#include "data_preprocessing/base/result.hpp"
#include "serving/config/deployment.hpp"
#include "serving/http/endpoint.hpp"
#include "serving/routes/route_table.hpp"

namespace forkcast::serving {

/// Where models come from.
enum class Models {
  kDeclared,  ///< From settings alone.
  kLoaded,    ///< Also from POST /models (ServerConfig::multi_model).
};

/// What every server can be asked and, where models are loaded, what that takes, behind it. A new
/// endpoint is a line in one of these tables (../README.md).
[[nodiscard]] std::span<const Endpoint> Endpoints(Models models = Models::kDeclared) noexcept;

/// The same and what deployments declare. Views `routes`.
[[nodiscard]] std::vector<Endpoint> EndpointsWith(std::span<const DeployedRoute> routes,
                                                  Models models = Models::kDeclared);

/// The routes that the deployments declare: CollectRoutes() beside Endpoints().
[[nodiscard]] Result<std::vector<DeployedRoute>> RoutesOf(std::span<const Deployment> deployments,
                                                          Models models = Models::kDeclared);

}  // namespace forkcast::serving
