#include "serving/config/deployment.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "data_preprocessing/base/ascii.hpp"
#include "data_preprocessing/document/json.hpp"

namespace forkcast::serving {
namespace {

using preprocessing::JsonNode;

constexpr std::size_t kLongestName = 128;

/// Whether the model is one of MLflow's registry, and what it is called there.
struct ModelPlace {
  std::string_view scheme{};  ///< Empty, or kMlflowScheme.
  std::string_view model;
};
ModelPlace PlaceIn(std::string_view text) noexcept {
  const std::size_t scheme = text.starts_with(kMlflowScheme) ? kMlflowScheme.size() : 0;
  return {.scheme = text.substr(0, scheme), .model = text.substr(scheme)};
}

/// `MODEL` as `MODEL@champion`; what has its alias stays as it is. Empty when it is neither.
std::string WithAlias(std::string_view text) {
  const auto [scheme, model] = PlaceIn(text);
  const std::size_t at = model.find('@');
  const std::string_view name = model.substr(0, at);
  const std::string_view alias = at == std::string_view::npos ? kServedAlias : model.substr(at + 1);
  if (!IsPlainName(name, kLongestName) || !IsPlainName(alias, kLongestName)) return {};
  return fmt::format("{}{}@{}", scheme, name, alias);
}

std::string NameOf(std::string_view text) {
  const std::string_view model = PlaceIn(text).model;
  return std::string(model.substr(0, model.find('@')));
}

RouteDeclarations ReadRouteDeclarations(const JsonNode& node, const std::string& file) {
  if (node.json().is_array()) {
    return {.json = node.json().dump(), .path = fmt::format("{}: {}", file, node.path())};
  }
  if (!node.json().is_string()) node.Fail("expected an array of routes, or the name of its file");
  const std::string name = node.String();
  return {.json = preprocessing::ReadJsonFile(name).dump(), .path = fmt::format("{}: $", name)};
}

/// The model of a deployment that has both, which is one elsewhere.
RemoteModelSpec ReadRemote(const JsonNode& node, const JsonNode& model) {
  Result<RemoteModelSpec> remote = ParseRemoteModel(model.String());
  if (!remote) model.Fail(remote.error().message);
  if (const auto options = node.Find("remote")) ReadRemoteOptions(*options, *remote);
  return *std::move(remote);
}

/// Of a registry or a file, or elsewhere.
void ReadModel(const JsonNode& node, Deployment& deployment) {
  const auto model = node.Find("model");
  const auto pipeline = node.Find("pipeline");
  const bool is_remote = model && model->String().starts_with(kRemoteScheme);
  if (is_remote && !pipeline) {
    node.Fail("expected \"pipeline\" beside a model that runs elsewhere: it says which features");
  }
  if (!is_remote && model.has_value() == pipeline.has_value()) {
    node.Fail("expected either \"model\" or \"pipeline\"");
  }
  if (!is_remote) {
    if (const auto remote = node.Find("remote")) {
      remote->Fail("expected none: the model is no oip://HOST:PORT/MODEL");
    }
  }
  if (pipeline) deployment.pipeline = pipeline->String();
  if (is_remote) {
    deployment.remote = ReadRemote(node, *model);
    deployment.name = deployment.remote->model;
  } else if (model) {
    deployment.model = WithAlias(model->String());
    if (deployment.model.empty()) model->Fail("expected MODEL[@ALIAS|NUMBER]");
    deployment.name = NameOf(deployment.model);
  }
}

}  // namespace

bool IsDeploymentName(std::string_view name) noexcept { return IsPlainName(name, kLongestName); }

Result<Deployment> ParseDeployment(std::string_view text) {
  const std::size_t sign = text.find('=');
  const std::string_view model = sign == std::string_view::npos ? text : text.substr(sign + 1);
  if (model.starts_with(kRemoteScheme)) {
    return Error{ErrorCode::kInvalidArgument,
                 "a model that runs elsewhere is declared in the config file, with its pipeline"};
  }
  Deployment deployment{.model = WithAlias(model)};
  deployment.name = sign == std::string_view::npos ? NameOf(model) : text.substr(0, sign);
  if (deployment.model.empty() || !IsDeploymentName(deployment.name)) {
    return Error{ErrorCode::kInvalidArgument,
                 "expected [NAME=]MODEL[@ALIAS|NUMBER], where MODEL may be mlflow:MODEL"};
  }
  return deployment;
}

Deployment ReadDeployment(const JsonNode& node, const std::string& file) {
  node.RequireObject({"name", "model", "pipeline", "remote", "snapshots", "cold_start", "default",
                      "routes", "challenger"});
  Deployment deployment;
  ReadModel(node, deployment);
  if (const auto name = node.Find("name")) {
    deployment.name = name->String();
    if (!IsDeploymentName(deployment.name)) {
      name->Fail(fmt::format("expected {}", kDeploymentNameForm));
    }
  }
  if (const auto snapshots = node.Find("snapshots")) deployment.snapshots = snapshots->String();
  if (const auto cold_start = node.Find("cold_start")) {
    deployment.cold_start = cold_start->json().dump();
  }
  if (const auto is_default = node.Find("default")) deployment.is_default = is_default->Bool();
  if (const auto routes = node.Find("routes")) {
    deployment.routes = ReadRouteDeclarations(*routes, file);
  }
  if (const auto challenger = node.Find("challenger")) {
    if (deployment.name.empty()) node.Fail("expected a \"name\" beside \"challenger\"");
    deployment.challenger = ReadExperimentPlan(*challenger, deployment.name);
  }
  deployment.origin = fmt::format("{}: {}", file, node.path());
  return deployment;
}

Status Arrange(std::vector<Deployment>& deployments) {
  for (auto one = deployments.begin(); one != deployments.end(); ++one) {
    const auto same = std::find_if(deployments.begin(), one, [one](const Deployment& before) {
      return before.name == one->name;
    });
    if (!one->name.empty() && same != one) {
      return Error{ErrorCode::kInvalidArgument,
                   fmt::format("{}: a second deployment \"{}\", beside that of {}", one->origin,
                               one->name, same->origin),
                   "deployments"};
    }
  }
  const auto first = std::ranges::find(deployments, true, &Deployment::is_default);
  if (first == deployments.end()) {
    if (!deployments.empty()) deployments.front().is_default = true;
    return {};
  }
  const auto second = std::find_if(std::next(first), deployments.end(),
                                   [](const Deployment& one) { return one.is_default; });
  if (second != deployments.end()) {
    return Error{ErrorCode::kInvalidArgument,
                 fmt::format("{}: a second default, beside \"{}\" of {}", second->origin,
                             first->name, first->origin),
                 "deployments"};
  }
  std::rotate(deployments.begin(), first, std::next(first));
  return {};
}

}  // namespace forkcast::serving
