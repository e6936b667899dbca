#include "serving/web/open_api.hpp"

#include <algorithm>
#include <utility>

#include "serving/access/cookie.hpp"
#include "serving/routes/route_spec.hpp"
#include "serving/web/route_api.hpp"

namespace forkcast::serving {
namespace {

using nlohmann::ordered_json;

JsonSchema ErrorSchema() {
  const JsonSchema text{{"type", "string"}};
  const JsonSchema count{{"type", "integer"}, {"minimum", 0}};
  JsonSchema error{{"type", "object"},
                   {"properties",
                    {{"code", text},
                     {"message", text},
                     {"field", text},
                     {"row", count},
                     {"request_id", text},
                     {"bad_rows", count},
                     {"rows", {{"type", "array"}, {"items", {{"type", "object"}}}}}}},
                   {"required", {"code", "message"}}};
  return {{"type", "object"},
          {"properties", {{"error", std::move(error)}}},
          {"required", JsonSchema::array({"error"})}};
}

JsonSchema SageMakerErrorSchema() {
  return {{"type", "object"},
          {"properties",
           {{"Message", {{"type", "string"}}},
            {"OriginalStatusCode", {{"type", "integer"}}},
            {"OriginalMessage", {{"type", "string"}}},
            {"LogStreamArn", {{"type", "string"}}}}},
          {"required", JsonSchema::array({"Message"})}};
}

JsonSchema InferenceErrorSchema() {
  return {{"type", "object"},
          {"properties", {{"error", {{"type", "string"}}}}},
          {"required", JsonSchema::array({"error"})}};
}

JsonSchema ModelErrorSchema() {
  JsonSchema schema = ErrorSchema();
  schema["properties"]["code"] = {{"type", "integer"}};
  schema["properties"]["type"] = {{"type", "string"}};
  schema["properties"]["message"] = {{"type", "string"}};
  schema["required"] = {"code", "type", "message", "error"};
  return schema;
}

/// RFC 9457, with the members of an error beside it.
JsonSchema ProblemSchema() {
  JsonSchema schema = ErrorSchema()["properties"]["error"];
  schema["properties"].erase("message");
  for (const char* const member : {"type", "title", "detail", "instance"}) {
    schema["properties"][member] = {{"type", "string"}};
  }
  schema["properties"]["status"] = {{"type", "integer"}};
  schema["required"] = {"type", "title", "status", "detail", "code"};
  return schema;
}

std::string KeyOf(Method method) {
  switch (method) {
    case Method::kPost:
      return "post";
    case Method::kDelete:
      return "delete";
    case Method::kGet:
    case Method::kHead:
    case Method::kOptions:
    case Method::kOther:
      break;
  }
  return "get";
}

constexpr const char* kBearer = "bearer";
constexpr const char* kSession = "session";
constexpr const char* kCsrf = "csrf";

/// How callers show who they are.
ordered_json SchemesOf(const Proofs& proofs) {
  ordered_json schemes = ordered_json::object();
  if (proofs.tokens) schemes[kBearer] = {{"type", "http"}, {"scheme", "bearer"}};
  if (!proofs.sessions) return schemes;
  schemes[kSession] = {
      {"type", "apiKey"}, {"in", "cookie"}, {"name", SessionCookieName(Channel::kPlain)}};
  schemes[kCsrf] = {{"type", "apiKey"}, {"in", "header"}, {"name", "X-CSRF-Token"}};
  return schemes;
}

/// What an operation takes, by the names of the schemes, with the least role (OpenAPI 3.1, 4.8.30).
void AddProofs(const Endpoint& endpoint, const Proofs& proofs, ordered_json& operation) {
  if (!proofs.AreAskedFor(endpoint.access)) return;
  const std::string role(WordFor(RuleOf(endpoint.access).role));
  if (!proofs.tokens && !proofs.sessions) {
    operation["description"] = "Answered to programs on the server's own machine alone.";
    return;
  }
  operation["description"] = "Takes the role " + role + ".";
  ordered_json& security = operation["security"] = ordered_json::array();
  if (proofs.tokens) security.push_back({{kBearer, ordered_json::array({role})}});
  if (!proofs.sessions) return;
  ordered_json session{{kSession, ordered_json::array({role})}};
  if (endpoint.method != Method::kGet) session[kCsrf] = ordered_json::array();
  security.push_back(std::move(session));
}

}  // namespace

std::string DescribeApi(std::span<const Endpoint> endpoints, std::span<const ApiRoute> routes,
                        std::span<const ApiDeployment> deployments, const Proofs& proofs) {
  ordered_json api{{"openapi", "3.1.0"},
                   {"info", {{"title", "Forkcast"}, {"version", "1"}}},
                   {"paths", ordered_json::object()}};
  for (const Endpoint& endpoint : endpoints) {
    ApiOperation operation(endpoint, deployments);
    const auto declared = std::ranges::find_if(routes, [&endpoint](const ApiRoute& one) {
      const RouteSpec& spec = one.route->spec();
      return spec.method == endpoint.method && spec.path == endpoint.path;
    });
    if (declared != routes.end()) {
      DescribeRoute(*declared->route, *declared->deployment, operation);
    } else if (endpoint.describe != nullptr) {
      endpoint.describe(operation);
    }
    ordered_json json = operation.json();
    AddProofs(endpoint, proofs, json);
    api["paths"][endpoint.path][KeyOf(endpoint.method)] = std::move(json);
  }
  api["components"]["schemas"] = {{"Error", ErrorSchema()},
                                  {"SageMakerError", SageMakerErrorSchema()},
                                  {"ModelError", ModelErrorSchema()},
                                  {"InferenceError", InferenceErrorSchema()},
                                  {"Problem", ProblemSchema()}};
  const ordered_json schemes = SchemesOf(proofs);
  if (!schemes.empty()) api["components"]["securitySchemes"] = schemes;
  return api.dump(2) + "\n";
}

}  // namespace forkcast::serving
