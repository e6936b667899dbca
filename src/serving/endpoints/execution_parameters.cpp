#include "serving/endpoints/execution_parameters.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <iterator>

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

}  // namespace forkcast::serving
