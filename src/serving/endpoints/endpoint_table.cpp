#include "serving/endpoints/endpoint_table.hpp"

#include <array>

#include "serving/endpoints/execution_parameters.hpp"
#include "serving/endpoints/invocation_job.hpp"
#include "serving/endpoints/ping.hpp"

namespace forkcast::serving {
namespace {

// A path is looked for in this order, so those that are asked most come first.
constexpr std::array kEndpoints{
    Endpoint{.method = Method::kGet,
             .path = "/ping",
             .operation = "ping",
             .description = "Whether any worker answers.",
             .access = Access::kOpen,
             .load = Load::kProbe,
             .make = MakeJob<CallJob<Ping>>},
    Endpoint{.method = Method::kPost,
             .path = "/invocations",
             .operation = "invoke",
             .description = "Answers rows.",
             .access = Access::kInvoke,
             .load = Load::kWork,
             .make = MakeJob<InvocationJob>},
    Endpoint{.method = Method::kPost,
             .path = "/endpoints/{name}/invocations",
             .operation = "invokeEndpoint",
             .description = "The same for AWS SDKs.",
             .access = Access::kInvoke,
             .load = Load::kWork,
             .errors = ErrorForm::kSageMaker,
             .make = MakeJob<InvocationJob>},
    Endpoint{.method = Method::kGet,
             .path = "/execution-parameters",
             .operation = "executionParameters",
             .description = "How much SageMaker's batch transform may send at once.",
             .access = Access::kOpen,
             .load = Load::kProbe,
             .make = MakeJob<CallJob<ExecutionParameters>>},
};

}  // namespace

std::span<const Endpoint> Endpoints() noexcept { return kEndpoints; }

}  // namespace forkcast::serving
