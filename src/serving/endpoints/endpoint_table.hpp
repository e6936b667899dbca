#pragma once

#include <span>
#include <vector>

#include "data_preprocessing/base/result.hpp"
#include "serving/config/deployment.hpp"
#include "serving/config/server_config.hpp"
#include "serving/http/endpoint.hpp"
#include "serving/routes/route_table.hpp"

namespace forkcast::serving {

/// Where models come from.
enum class Models {
  kDeclared,  ///< From settings alone.
  kLoaded,    ///< Also from POST /models (ServerConfig::multi_model).
  /// The same of a platform that alone reaches the server, and shows no token.
  kLoadedByPlatform,
};

/// Whether what is counted can be asked.
enum class Metrics { kShown, kHidden };

/// Where those who look after the server ask what it counts and finds.
enum class Watching {
  kHere,   ///< Where callers of models ask, too.
  kApart,  ///< At an address of their own (ServerConfig::admin).
};

/// Whether rows may be brought.
enum class Pushes { kNone, kTaken };

/// Whether there is a page for people.
enum class Page {
  kHidden,
  kShown,
  /// The same where callers can show who they are, so that it also changes something.
  kShownWithChanges,
};

/// Whether there are jobs.
enum class Jobs { kNone, kTaken };

/// Whether users log in.
enum class Logins { kNone, kTaken };

/// What a server offers beside what every one does.
struct Offer {
  Models models = Models::kDeclared;
  Metrics metrics = Metrics::kShown;
  Watching watching = Watching::kHere;
  Pushes pushes = Pushes::kNone;  ///< At the admin address, and where the page changes something.
  Page page = Page::kHidden;
  Jobs jobs = Jobs::kNone;  ///< Everywhere.
  Logins logins = Logins::kNone;
};
/// Of a server whose models may be loaded.
[[nodiscard]] Models WhoLoads(const ServerConfig& config) noexcept;
/// Whether there is a page, and whether it changes something.
[[nodiscard]] Page PageOf(const ServerConfig& config) noexcept;
[[nodiscard]] Offer OfferOf(const ServerConfig& config) noexcept;

/// What a server can be asked: each row of the tables that are offered. A new endpoint is a line in
/// one of them (../README.md).
[[nodiscard]] std::vector<Endpoint> Endpoints(const Offer& offer = {});

/// The same and what deployments declare. Views `routes`.
[[nodiscard]] std::vector<Endpoint> EndpointsWith(std::span<const DeployedRoute> routes,
                                                  const Offer& offer = {});

/// What is asked at the admin address: /ping, /drift and, where they are shown, /metrics; where
/// they are taken, rows of tables and jobs.
[[nodiscard]] std::vector<Endpoint> AdminEndpoints(const Offer& offer = {});

/// The routes that the deployments declare: CollectRoutes() beside Endpoints().
[[nodiscard]] Result<std::vector<DeployedRoute>> RoutesOf(std::span<const Deployment> deployments,
                                                          const Offer& offer = {});

}  // namespace forkcast::serving
