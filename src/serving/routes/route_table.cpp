#include "serving/routes/route_table.hpp"

#include <algorithm>
#include <utility>

#include "data_preprocessing/document/json_node.hpp"

namespace forkcast::serving {
namespace {

using preprocessing::JsonNode;
using preprocessing::SpecError;

/// "weekly_get_predict_product", of letters, digits, '_', '-' and '.', so that clients that are
/// generated have a name for it.
std::string OperationOf(const std::string& deployment, const RouteSpec& route) {
  std::string operation = deployment.empty() ? "" : deployment + "_";
  operation += route.method == Method::kPost ? "post" : "get";
  for (const char c : route.path) {
    if (c == '/') {
      operation += '_';
    } else if (c != '{' && c != '}' && c != '~') {
      operation += c;
    }
  }
  return operation;
}

}  // namespace

Result<std::vector<RouteSpec>> ParseRoutes(const RouteDeclarations& declarations) {
  if (declarations.json.empty()) return std::vector<RouteSpec>();
  try {
    const nlohmann::ordered_json document = preprocessing::ParseJson(declarations.json);
    return ReadRoutes(JsonNode(document, declarations.path));
  } catch (const SpecError& error) {
    return Error{ErrorCode::kInvalidArgument, error.what()};
  }
}

Result<std::vector<DeployedRoute>> CollectRoutes(std::span<const Deployment> deployments,
                                                 std::span<const Endpoint> built_in) {
  std::vector<ClaimedPath> claimed;
  for (const Endpoint& endpoint : built_in) {
    claimed.push_back({.method = endpoint.method,
                       .path = std::string(endpoint.path),
                       .by = "the server itself",
                       .goes_first = true});
  }
  std::vector<DeployedRoute> routes;
  for (const Deployment& deployment : deployments) {
    auto parsed = ParseRoutes(deployment.routes);
    if (!parsed) return std::move(parsed).error();
    for (RouteSpec& route : *parsed) {
      if (Status free = Claim(route, claimed); !free) return std::move(free).error();
      std::string operation = OperationOf(deployment.name, route);
      // "/a/b" and "/a_b" would have one name.
      while (std::ranges::find(routes, operation, &DeployedRoute::operation) != routes.end()) {
        operation += '_';
      }
      routes.push_back({.operation = std::move(operation), .spec = std::move(route)});
    }
  }
  return routes;
}

}  // namespace forkcast::serving
