#include "serving/endpoints/endpoint_table.hpp"

#include <algorithm>
#include <array>
#include <string_view>

#include "serving/endpoints/drift.hpp"
#include "serving/endpoints/execution_parameters.hpp"
#include "serving/endpoints/inference_job.hpp"
#include "serving/endpoints/inference_models.hpp"
#include "serving/endpoints/invocation_job.hpp"
#include "serving/endpoints/job_routes.hpp"
#include "serving/endpoints/jobs.hpp"
#include "serving/endpoints/metrics.hpp"
#include "serving/endpoints/model_repository.hpp"
#include "serving/endpoints/models.hpp"
#include "serving/endpoints/online_features_job.hpp"
#include "serving/endpoints/open_api.hpp"
#include "serving/endpoints/page.hpp"
#include "serving/endpoints/ping.hpp"
#include "serving/endpoints/response_stream.hpp"
#include "serving/endpoints/route_job.hpp"
#include "serving/endpoints/sessions.hpp"
#include "serving/endpoints/tables.hpp"

namespace forkcast::serving {
namespace {

// A path is looked for in this order, so those that are asked most come first.
constexpr std::array kEndpoints{
    Endpoint{.method = Method::kGet,
             .path = "/ping",
             .operation = "ping",
             .description = "Whether any worker answers.",
             .access = Access::kOpen,
             .hosts = Hosts::kAny,
             .load = Load::kProbe,
             .make = MakeJob<CallJob<Ping>>,
             .describe = DescribePing},
    Endpoint{.method = Method::kPost,
             .path = "/invocations",
             .operation = "invoke",
             .description = "Answers rows.",
             .access = Access::kInvoke,
             .hosts = Hosts::kAny,
             .load = Load::kWork,
             .make = MakeJob<InvocationJob>,
             .describe = DescribeInvocation},
    Endpoint{.method = Method::kPost,
             .path = "/get-online-features",
             .operation = "getOnlineFeatures",
             .description = "The features of rows alone, as Feast's clients ask for them.",
             .access = Access::kInvoke,
             .load = Load::kWork,
             .make = MakeJob<OnlineFeaturesJob>,
             .describe = DescribeOnlineFeatures},
    Endpoint{.method = Method::kPost,
             .path = "/endpoints/{name}/invocations",
             .operation = "invokeEndpoint",
             .description = "The same for AWS SDKs.",
             .access = Access::kInvoke,
             .load = Load::kWork,
             .errors = ErrorForm::kSageMaker,
             .make = MakeJob<InvocationJob>,
             .describe = DescribeInvocation},
    Endpoint{.method = Method::kPost,
             .path = "/endpoints/{name}/invocations-response-stream",
             .operation = "invokeEndpointWithResponseStream",
             .description = "Refused: answers are not streamed.",
             .access = Access::kInvoke,
             .load = Load::kWork,
             .errors = ErrorForm::kSageMaker,
             .make = MakeJob<CallJob<RefuseStream>>,
             .describe = DescribeStream},
    Endpoint{.method = Method::kGet,
             .path = "/execution-parameters",
             .operation = "executionParameters",
             .description = "How much SageMaker's batch transform may send at once.",
             .access = Access::kOpen,
             .hosts = Hosts::kAny,
             .load = Load::kProbe,
             .make = MakeJob<CallJob<ExecutionParameters>>,
             .describe = DescribeExecutionParameters},
    Endpoint{.method = Method::kGet,
             .path = "/health",
             .operation = "health",
             .description = "The same as /ping, for clients of MLflow's server.",
             .access = Access::kOpen,
             .hosts = Hosts::kAny,
             .load = Load::kProbe,
             .make = MakeJob<CallJob<Ping>>,
             .describe = DescribePing},
    Endpoint{.method = Method::kGet,
             .path = "/version",
             .operation = "version",
             .description = "The server's version, likewise.",
             .access = Access::kInvoke,
             .load = Load::kProbe,
             .make = MakeJob<CallJob<AnswerVersion>>,
             .describe = DescribeVersion},
    Endpoint{.method = Method::kGet,
             .path = "/drift",
             .operation = "drift",
             .description = "The newest drift report of each deployment.",
             .access = Access::kWatch,
             .load = Load::kWork,
             .make = MakeJob<CallJob<AnswerDrift>>,
             .describe = DescribeDrift},
    Endpoint{.method = Method::kGet,
             .path = "/openapi.json",
             .operation = "describe",
             .description = "What can be asked, as OpenAPI.",
             .access = Access::kInvoke,
             .load = Load::kWork,
             .make = MakeJob<CallJob<AnswerOpenApi>>,
             .describe = DescribeOpenApi},
    Endpoint{.method = Method::kGet,
             .path = "/documentation",
             .operation = "documentation",
             .description = "A page that shows what can be asked, with a form to try it.",
             .access = Access::kInvoke,
             .load = Load::kWork,
             .make = MakeJob<CallJob<AnswerDocumentation>>,
             .describe = DescribeDocumentation},
};

constexpr std::array kOfMetrics{
    Endpoint{.method = Method::kGet,
             .path = "/metrics",
             .operation = "metrics",
             .description = "What the whole server counts, for Prometheus.",
             .access = Access::kWatch,
             .load = Load::kProbe,
             .make = MakeJob<CallJob<AnswerMetrics>>,
             .describe = DescribeMetrics},
};

constexpr std::array kOfInference{
    Endpoint{.method = Method::kPost,
             .path = "/v2/models/{name}/infer",
             .operation = "infer",
             .description = "Answers rows as tensors, by the Open Inference Protocol.",
             .access = Access::kInvoke,
             .load = Load::kWork,
             .errors = ErrorForm::kInference,
             .make = MakeJob<InferenceJob>,
             .describe = DescribeInference},
    Endpoint{.method = Method::kPost,
             .path = "/v2/models/{name}/versions/{version}/infer",
             .operation = "inferVersion",
             .description = "The same by a version of a model.",
             .access = Access::kInvoke,
             .load = Load::kWork,
             .errors = ErrorForm::kInference,
             .make = MakeJob<InferenceJob>,
             .describe = DescribeInference},
    Endpoint{
        .method = Method::kGet,
        .path = "/v2",
        .operation = "showInferenceServer",
        .description = "Name, version and extensions, for clients of the Open Inference Protocol.",
        .access = Access::kInvoke,
        .load = Load::kProbe,
        .errors = ErrorForm::kInference,
        .make = MakeJob<CallJob<ShowInferenceServer>>,
        .describe = DescribeInferenceServer},
    Endpoint{.method = Method::kGet,
             .path = "/v2/",
             .operation = "showInferenceServerBelow",
             .description = "The same, as the protocol's own description spells it.",
             .access = Access::kInvoke,
             .load = Load::kProbe,
             .errors = ErrorForm::kInference,
             .make = MakeJob<CallJob<ShowInferenceServer>>,
             .describe = DescribeInferenceServer},
    Endpoint{.method = Method::kGet,
             .path = "/v2/health/live",
             .operation = "live",
             .description = "Whether the server takes questions.",
             .access = Access::kOpen,
             .hosts = Hosts::kAny,
             .load = Load::kProbe,
             .errors = ErrorForm::kInference,
             .make = MakeJob<CallJob<AnswerLive>>,
             .describe = DescribeLive},
    Endpoint{.method = Method::kGet,
             .path = "/v2/health/ready",
             .operation = "ready",
             .description = "Whether any worker answers, for clients of the protocol.",
             .access = Access::kOpen,
             .hosts = Hosts::kAny,
             .load = Load::kProbe,
             .errors = ErrorForm::kInference,
             .make = MakeJob<CallJob<AnswerReady>>,
             .describe = DescribeReady},
    Endpoint{.method = Method::kGet,
             .path = "/v2/models/{name}",
             .operation = "showInferenceModel",
             .description = "The inputs and outputs of a deployment.",
             .access = Access::kInvoke,
             .load = Load::kWork,
             .errors = ErrorForm::kInference,
             .make = MakeJob<CallJob<ShowInferenceModel>>,
             .describe = DescribeInferenceModel},
    Endpoint{.method = Method::kGet,
             .path = "/v2/models/{name}/versions/{version}",
             .operation = "showInferenceVersion",
             .description = "The same of a version of a model.",
             .access = Access::kInvoke,
             .load = Load::kWork,
             .errors = ErrorForm::kInference,
             .make = MakeJob<CallJob<ShowInferenceModel>>,
             .describe = DescribeInferenceModel},
    Endpoint{.method = Method::kGet,
             .path = "/v2/models/{name}/ready",
             .operation = "modelReady",
             .description = "Whether a deployment answers.",
             .access = Access::kOpen,
             .hosts = Hosts::kAny,
             .load = Load::kProbe,
             .errors = ErrorForm::kInference,
             .make = MakeJob<CallJob<AnswerModelReady>>,
             .describe = DescribeModelReady},
    Endpoint{.method = Method::kGet,
             .path = "/v2/models/{name}/versions/{version}/ready",
             .operation = "versionReady",
             .description = "Whether a version of a model answers.",
             .access = Access::kOpen,
             .hosts = Hosts::kAny,
             .load = Load::kProbe,
             .errors = ErrorForm::kInference,
             .make = MakeJob<CallJob<AnswerModelReady>>,
             .describe = DescribeModelReady},
    Endpoint{.method = Method::kPost,
             .path = "/v2/repository/index",
             .operation = "indexModels",
             .description = "What is served, for clients of the protocol.",
             .access = Access::kWatch,
             .load = Load::kWork,
             .errors = ErrorForm::kInference,
             .make = MakeJob<CallJob<IndexModels>>,
             .describe = DescribeIndexModels},
};

constexpr std::array kOfModels{
    Endpoint{.method = Method::kPost,
             .path = "/models/{name}/invoke",
             .operation = "invokeModel",
             .description = "Answers rows by a model.",
             .access = Access::kInvoke,
             .load = Load::kWork,
             .errors = ErrorForm::kModels,
             .make = MakeJob<InvokeModelJob>,
             .describe = DescribeRows},
    Endpoint{.method = Method::kGet,
             .path = "/models",
             .operation = "listModels",
             .description = "The models that are loaded.",
             .access = Access::kWatch,
             .load = Load::kWork,
             .errors = ErrorForm::kModels,
             .make = MakeJob<CallJob<ListModels>>,
             .describe = DescribeListModels},
    Endpoint{.method = Method::kPost,
             .path = "/models",
             .operation = "loadModel",
             .description = "Loads a model.",
             .access = Access::kChange,
             .load = Load::kWork,
             .errors = ErrorForm::kModels,
             .make = MakeJob<LoadModelJob>,
             .describe = DescribeLoadModel},
    Endpoint{.method = Method::kGet,
             .path = "/models/{name}",
             .operation = "showModel",
             .description = "Whether a model is loaded, and from where.",
             .access = Access::kWatch,
             .load = Load::kWork,
             .errors = ErrorForm::kModels,
             .make = MakeJob<CallJob<ShowModel>>,
             .describe = DescribeShowModel},
    Endpoint{.method = Method::kDelete,
             .path = "/models/{name}",
             .operation = "unloadModel",
             .description = "Unloads a model.",
             .access = Access::kChange,
             .load = Load::kWork,
             .errors = ErrorForm::kModels,
             .make = MakeJob<UnloadModelJob>,
             .describe = DescribeUnloadModel},
    Endpoint{.method = Method::kPost,
             .path = "/v2/repository/models/{name}/load",
             .operation = "loadFromRepository",
             .description = "Loads the model in the folder of its name.",
             .access = Access::kChange,
             .load = Load::kWork,
             .errors = ErrorForm::kInference,
             .make = MakeJob<LoadFromRepositoryJob>,
             .describe = DescribeLoadFromRepository},
    Endpoint{.method = Method::kPost,
             .path = "/v2/repository/models/{name}/unload",
             .operation = "unloadFromRepository",
             .description = "Unloads a model that was loaded.",
             .access = Access::kChange,
             .load = Load::kWork,
             .errors = ErrorForm::kInference,
             .make = MakeJob<UnloadFromRepositoryJob>,
             .describe = DescribeUnloadFromRepository},
};

constexpr std::array kOfTables{
    Endpoint{.method = Method::kGet,
             .path = "/tables",
             .operation = "listTables",
             .description = "What the store has of each table.",
             .access = Access::kWatch,
             .load = Load::kWork,
             .make = MakeJob<ListTablesJob>,
             .describe = DescribeListTables},
    Endpoint{.method = Method::kPost,
             .path = "/tables/reset",
             .operation = "resetTables",
             .description = "Puts the tables back to their original files.",
             .access = Access::kAdminister,
             .load = Load::kWork,
             .make = MakeJob<ResetTablesJob>,
             .describe = DescribeResetTables},
    Endpoint{.method = Method::kPost,
             .path = "/tables/{name}/rows",
             .operation = "pushRows",
             .description = "Adds rows to a table.",
             .access = Access::kChange,
             .load = Load::kWork,
             .make = MakeJob<PushRowsJob>,
             .describe = DescribePushRows},
};

constexpr std::array kOfPage{
    Endpoint{.method = Method::kGet,
             .path = "/",
             .operation = "page",
             .description = "The page for people who plan.",
             .access = Access::kOpen,
             .load = Load::kWork,
             .make = MakeJob<PageDocumentJob>,
             .describe = DescribePageDocument},
    Endpoint{.method = Method::kGet,
             .path = "/page/files/{version}/{name}",
             .operation = "pageFile",
             .description = "A file that the page is made of.",
             .access = Access::kOpen,
             .load = Load::kWork,
             .make = MakeJob<PageFileJob>,
             .describe = DescribePageFile},
    Endpoint{.method = Method::kGet,
             .path = "/page/api/deployments",
             .operation = "pageDeployments",
             .description = "What is served, as the page shows it.",
             .access = Access::kInvoke,
             .load = Load::kWork,
             .make = MakeJob<PageDeploymentsJob>,
             .describe = DescribePageQuestion},
    Endpoint{.method = Method::kGet,
             .path = "/page/api/deployments/{name}/keys",
             .operation = "pageKeys",
             .description = "The keys of a deployment that can be asked.",
             .access = Access::kInvoke,
             .load = Load::kWork,
             .make = MakeJob<PageKeysJob>,
             .describe = DescribePageKeys},
    Endpoint{.method = Method::kGet,
             .path = "/page/api/deployments/{name}/history",
             .operation = "pageHistory",
             .description = "What happened to a key so far.",
             .access = Access::kInvoke,
             .load = Load::kWork,
             .make = MakeJob<PageHistoryJob>,
             .describe = DescribePageHistory},
    Endpoint{.method = Method::kPost,
             .path = "/page/api/deployments/{name}/invocations",
             .operation = "pageInvoke",
             .description = "Answers rows, and says which worker did.",
             .access = Access::kInvoke,
             .load = Load::kWork,
             .make = MakeJob<PageInvocationJob>,
             .describe = DescribeRows},
    Endpoint{.method = Method::kGet,
             .path = "/page/api/models",
             .operation = "pageModels",
             .description = "The versions of all models, with what they are worth.",
             .access = Access::kWatch,
             .load = Load::kWork,
             .make = MakeJob<PageModelsJob>,
             .describe = DescribePageQuestion},
    Endpoint{.method = Method::kGet,
             .path = "/page/api/models/{model}/{version}",
             .operation = "pageVersion",
             .description = "A version of a model with its manifest.",
             .access = Access::kWatch,
             .load = Load::kWork,
             .make = MakeJob<PageVersionJob>,
             .describe = DescribePageQuestion},
    Endpoint{.method = Method::kGet,
             .path = "/page/api/watch",
             .operation = "pageWatch",
             .description = "What workers count, how long answers take, drift and quality.",
             .access = Access::kWatch,
             .load = Load::kWork,
             .make = MakeJob<PageWatchJob>,
             .describe = DescribePageQuestion},
};

// What names callers counts as a change: who reads it is asked for, and noted.
constexpr std::array kOfPageWithChanges{
    Endpoint{.method = Method::kPost,
             .path = "/page/api/promotions/{model}",
             .operation = "pagePromote",
             .description = "Lets an alias mean a version of a model.",
             .access = Access::kChange,
             .load = Load::kWork,
             .make = MakeJob<PagePromoteJob>,
             .describe = DescribePagePromotion},
    Endpoint{.method = Method::kGet,
             .path = "/page/api/logs",
             .operation = "pageLogs",
             .description = "The logs that can be read.",
             .access = Access::kChange,
             .load = Load::kWork,
             .make = MakeJob<PageLogsJob>,
             .describe = DescribePageQuestion},
    Endpoint{.method = Method::kGet,
             .path = "/page/api/logs/{log}",
             .operation = "pageLog",
             .description = "The newest lines of a log.",
             .access = Access::kChange,
             .load = Load::kWork,
             .make = MakeJob<PageLogJob>,
             .describe = DescribePageLog},
};

constexpr std::array kOfJobs{
    Endpoint{.method = Method::kGet,
             .path = "/jobs",
             .operation = "listJobs",
             .description = "The jobs that there are.",
             .access = Access::kWatch,
             .load = Load::kWork,
             .make = MakeJob<ListJobsJob>,
             .describe = DescribeListJobs},
    Endpoint{.method = Method::kPost,
             .path = "/jobs",
             .operation = "submitJob",
             .description = "Takes a job: train, evaluate, predict, ingest or retrain.",
             .access = Access::kChange,
             .load = Load::kWork,
             .make = MakeJob<SubmitJobJob>,
             .describe = DescribeSubmitJob},
    Endpoint{.method = Method::kGet,
             .path = "/jobs/{id}",
             .operation = "showJob",
             .description = "How far a job is, and what came of it.",
             .access = Access::kWatch,
             .load = Load::kWork,
             .make = MakeJob<ShowJobJob>,
             .describe = DescribeShowJob},
    Endpoint{.method = Method::kDelete,
             .path = "/jobs/{id}",
             .operation = "stopJob",
             .description = "Stops a job.",
             .access = Access::kChange,
             .load = Load::kWork,
             .make = MakeJob<StopJobJob>,
             .describe = DescribeStopJob},
    Endpoint{.method = Method::kGet,
             .path = "/jobs/{id}/events",
             .operation = "followJob",
             .description = "Tells what becomes of a job, as server-sent events.",
             .access = Access::kWatch,
             .load = Load::kWork,
             .make = MakeJob<FollowJobJob>,
             .describe = DescribeFollowJob},
};

constexpr std::array kOfSessions{
    Endpoint{.method = Method::kGet,
             .path = "/session",
             .operation = "showSession",
             .description = "Who is logged in.",
             .access = Access::kLogIn,
             .load = Load::kWork,
             .make = MakeJob<CallJob<ShowSession>>,
             .describe = DescribeShowSession},
    Endpoint{.method = Method::kPost,
             .path = "/session",
             .operation = "logIn",
             .description = "Logs a user in.",
             .access = Access::kLogIn,
             .load = Load::kWork,
             .make = MakeJob<LogInJob>,
             .describe = DescribeLogIn},
    Endpoint{.method = Method::kDelete,
             .path = "/session",
             .operation = "logOut",
             .description = "Logs the user out.",
             .access = Access::kLogIn,
             .load = Load::kWork,
             .make = MakeJob<CallJob<EndSession>>,
             .describe = DescribeLogOut},
    Endpoint{.method = Method::kGet,
             .path = "/login",
             .operation = "showLogin",
             .description = "A page to log in, for browsers without JavaScript, too.",
             .access = Access::kLogIn,
             .load = Load::kWork,
             .make = MakeJob<CallJob<ShowLogin>>,
             .describe = DescribeShowLogin},
};

constexpr std::array<std::string_view, 2> kOfWatching{"/drift", "/metrics"};

bool IsIn(std::span<const std::string_view> paths, const Endpoint& endpoint) {
  return std::ranges::find(paths, endpoint.path) != paths.end();
}

/// What SageMaker asks of a multi-model server: under any name, and without a token.
void OpenForPlatform(Endpoint& endpoint) {
  if (endpoint.errors != ErrorForm::kModels) return;
  endpoint.hosts = Hosts::kAny;
  if (endpoint.access != Access::kInvoke) endpoint.access = Access::kOpen;
}

/// Names that clients of another server ask; a deployment may have its own of them.
bool YieldsTo(const Endpoint& endpoint, const RouteSpec& route) {
  const bool yields = endpoint.path == "/health" || endpoint.path == "/version";
  return yields && endpoint.path == route.path && endpoint.method == route.method;
}

}  // namespace

std::vector<Endpoint> Endpoints(const Offer& offer) {
  std::vector<Endpoint> endpoints(kEndpoints.begin(), kEndpoints.end());
  const auto add = [&endpoints](std::span<const Endpoint> more) {
    endpoints.insert(endpoints.end(), more.begin(), more.end());
  };
  if (offer.metrics == Metrics::kShown) add(kOfMetrics);
  add(kOfInference);
  if (offer.models != Models::kDeclared) add(kOfModels);
  if (offer.jobs == Jobs::kTaken) add(kOfJobs);
  if (offer.logins == Logins::kTaken) add(kOfSessions);
  if (offer.models == Models::kLoadedByPlatform) {
    for (Endpoint& endpoint : endpoints) OpenForPlatform(endpoint);
  }
  if (offer.page != Page::kHidden) add(kOfPage);
  if (offer.page == Page::kShownWithChanges) {
    add(kOfPageWithChanges);
    if (offer.pushes == Pushes::kTaken) add(kOfTables);
  }
  if (offer.watching == Watching::kApart) {
    std::erase_if(endpoints, [](const Endpoint& one) { return IsIn(kOfWatching, one); });
  }
  return endpoints;
}

std::vector<Endpoint> AdminEndpoints(const Offer& offer) {
  std::vector<Endpoint> endpoints = Endpoints({.metrics = offer.metrics});
  std::erase_if(endpoints,
                [](const Endpoint& one) { return one.path != "/ping" && !IsIn(kOfWatching, one); });
  if (offer.pushes == Pushes::kTaken) {
    endpoints.insert(endpoints.end(), kOfTables.begin(), kOfTables.end());
  }
  if (offer.jobs == Jobs::kTaken) {
    endpoints.insert(endpoints.end(), kOfJobs.begin(), kOfJobs.end());
  }
  return endpoints;
}

Models WhoLoads(const ServerConfig& config) noexcept {
  const bool is_platforms =
      config.platform_loads_models && config.tokens.empty() && config.users.empty();
  return is_platforms ? Models::kLoadedByPlatform : Models::kLoaded;
}

Page PageOf(const ServerConfig& config) noexcept {
  if (!config.page) return Page::kHidden;
  // Without tokens whoever comes over loopback may change something: here that may be a proxy.
  const bool asks = !config.tokens.empty() || !config.users.empty();
  return asks ? Page::kShownWithChanges : Page::kShown;
}

Offer OfferOf(const ServerConfig& config) noexcept {
  return {
      .models = config.multi_model ? WhoLoads(config) : Models::kDeclared,
      .metrics = config.metrics ? Metrics::kShown : Metrics::kHidden,
      .watching = config.admin ? Watching::kApart : Watching::kHere,
      .pushes = config.refresher && config.refresher->takes_pushes ? Pushes::kTaken : Pushes::kNone,
      .page = PageOf(config),
      .jobs = config.jobs ? Jobs::kTaken : Jobs::kNone,
      .logins = config.users.empty() ? Logins::kNone : Logins::kTaken};
}

std::vector<Endpoint> EndpointsWith(std::span<const DeployedRoute> routes, const Offer& offer) {
  std::vector<Endpoint> endpoints = Endpoints(offer);
  for (const DeployedRoute& route : routes) {
    std::erase_if(endpoints, [&route](const Endpoint& one) { return YieldsTo(one, route.spec); });
    if (route.spec.job) {
      const bool submits = route.spec.job->id.empty();
      endpoints.push_back({.method = route.spec.method,
                           .path = route.spec.path,
                           .operation = route.operation,
                           .description = route.spec.description,
                           .access = submits ? Access::kChange : Access::kWatch,
                           .load = Load::kWork,
                           .make = submits ? MakeJob<SubmitByRouteJob> : MakeJob<StateByRouteJob>});
      continue;
    }
    // What asks no model is as good as a probe: health checks are.
    const bool asks = route.spec.asks();
    endpoints.push_back({.method = route.spec.method,
                         .path = route.spec.path,
                         .operation = route.operation,
                         .description = route.spec.description,
                         .access = Access::kInvoke,
                         .load = asks ? Load::kWork : Load::kProbe,
                         .make = asks ? MakeJob<RouteJob> : MakeJob<CallJob<AnswerFixedRoute>>});
  }
  return endpoints;
}

Result<std::vector<DeployedRoute>> RoutesOf(std::span<const Deployment> deployments,
                                            const Offer& offer) {
  std::vector<Endpoint> built_in = Endpoints(offer);
  for (const Deployment& deployment : deployments) {
    const auto declared = ParseRoutes(deployment.routes);
    if (!declared) return declared.error();
    for (const RouteSpec& route : *declared) {
      std::erase_if(built_in, [&route](const Endpoint& one) { return YieldsTo(one, route); });
    }
  }
  auto routes = CollectRoutes(deployments, built_in);
  if (!routes || offer.jobs == Jobs::kTaken) return routes;
  for (const DeployedRoute& route : *routes) {
    if (!route.spec.job) continue;
    return Error{ErrorCode::kInvalidArgument,
                 route.spec.origin + ": a route with \"job\" needs the setting \"jobs\""};
  }
  return routes;
}

}  // namespace forkcast::serving
