#include "serving/endpoints/execution_parameters.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <iterator>

#include "serving/web/api_operation.hpp"
#include "serving/wire/media_type.hpp"

namespace forkcast::serving {
namespace {

constexpr std::size_t kMebibyte = 1'048'576;
constexpr std::size_t kMostMebibytes =
    100;  // SageMaker's limit: of one request, and of all at once

}  // namespace

void ExecutionParameters(Exchange& exchange, Service& service) {
  const std::size_t whole_mebibytes = service.max_body_bytes / kMebibyte;
  const std::size_t payload = std::clamp<std::size_t>(whole_mebibytes, 1, kMostMebibytes);
  const auto workers =
      static_cast<std::size_t>(std::ranges::count_if(service.slots, [](const WorkerSlot& slot) {
        const WorkerState state = slot.State();
        return state == WorkerState::kBooting || state == WorkerState::kReady;
      }));
  const std::size_t concurrent = std::clamp<std::size_t>(workers, 1, kMostMebibytes / payload);
  Response& response = exchange.response();
  response.content_type = wire::MediaType(wire::Format::kJson);
  fmt::format_to(std::back_inserter(response.body),
                 R"({{"MaxConcurrentTransforms":{},"BatchStrategy":"{}","MaxPayloadInMB":{}}})",
                 concurrent, whole_mebibytes == 0 ? "SINGLE_RECORD" : "MULTI_RECORD", payload);
}

void DescribeExecutionParameters(ApiOperation& operation) {
  const JsonSchema count{{"type", "integer"}, {"minimum", 1}};
  operation.AddAnswer("200", "What it may send.", "application/json",
                      {{"type", "object"},
                       {"required", {"MaxConcurrentTransforms", "BatchStrategy", "MaxPayloadInMB"}},
                       {"properties",
                        {{"MaxConcurrentTransforms", count},
                         {"BatchStrategy", {{"enum", {"SINGLE_RECORD", "MULTI_RECORD"}}}},
                         {"MaxPayloadInMB", count}}}});
}

}  // namespace forkcast::serving
