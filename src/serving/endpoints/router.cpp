#include "serving/endpoints/router.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>
#include <exception>
#include <utility>

#include "serving/endpoints/invocations.hpp"
#include "serving/http/error_response.hpp"
#include "serving/process/worker_slot.hpp"

namespace forkcast::serving {
namespace {

constexpr std::string_view kEndpointPrefix = "/endpoints/";
constexpr std::string_view kInvocationsPath = "/invocations";
constexpr std::size_t kMaxIdBytes = 128;
constexpr std::size_t kMaxAttributesBytes = 1024;  // SageMaker's limit

/// Visible ASCII and blanks: what may be sent back in a header.
bool IsPrintable(std::string_view text) noexcept {
  return std::ranges::all_of(text, [](char c) { return c >= 0x20 && c < 0x7F; });
}

/// `/endpoints/NAME/invocations` with one path segment as its name.
bool IsEndpointInvocation(std::string_view path) noexcept {
  if (!path.starts_with(kEndpointPrefix) || !path.ends_with(kInvocationsPath)) return false;
  path.remove_prefix(kEndpointPrefix.size());
  if (path.size() <= kInvocationsPath.size()) return false;
  path.remove_suffix(kInvocationsPath.size());
  return path.find('/') == std::string_view::npos;
}

Error NotAllowed(std::string_view allowed) {
  return {ErrorCode::kMethodNotAllowed, "expected " + std::string(allowed)};
}

}  // namespace

void CountAnswer(int status, WorkerSlot& slot) noexcept {
  slot.metrics.Count("requests");
  if (status >= 500) {
    slot.metrics.Count("server_errors");
  } else if (status >= 400) {
    slot.metrics.Count("client_errors");
  }
}

Router::Router(std::span<const WorkerSlot> slots, WorkerSlot& own, spdlog::logger& log,
               std::uint64_t seed)
    : slots_(slots), slot_(own), log_(log), random_(seed) {}

Router::Work::Work() noexcept = default;
Router::Work::Work(Work&&) noexcept = default;
Router::Work& Router::Work::operator=(Work&&) noexcept = default;
Router::Work::~Work() = default;

void Router::Handle(const RequestView& request, Response& response) noexcept {
  Work work;
  bool answered = Start(request, response, work);
  while (!answered) answered = Continue(request, response, work);
}

template <typename Step>
bool Router::Run(const RequestView& request, Response& response, Work& work, Step step) noexcept {
  try {
    step();
    if (work.job_) return false;
    if (IsEndpointInvocation(request.path)) WrapForSageMaker(response);
  } catch (const std::exception& error) {
    log_.error("request_failed request_id={:?} path={:?} error={:?}", request_id_, request.path,
               error.what());
    work.job_.reset();
    response.Clear();
    WriteError({ErrorCode::kInternal, error.what()}, request_id_, response);
  }
  CountAnswer(response.status, slot_);
  return true;
}

bool Router::Start(const RequestView& request, Response& response, Work& work) noexcept {
  return Run(request, response, work, [&] { Route(request, response, work); });
}

bool Router::Continue(const RequestView& request, Response& response, Work& work) noexcept {
  return Run(request, response, work, [&] {
    request_id_ = work.job_->id();
    NoteRequestId();
    WorkOn(response, work);
  });
}

void Router::Route(const RequestView& request, Response& response, Work& work) {
  if (request.path == kInvocationsPath || IsEndpointInvocation(request.path)) {
    Invoke(request, response, work);
  } else if (request.path == "/ping") {
    if (request.method == Method::kGet || request.method == Method::kHead) return Ping(response);
    WriteError(NotAllowed("GET or HEAD"), {}, response);
    response.AddHeader("Allow", "GET, HEAD");
  } else {
    WriteError({ErrorCode::kNotFound, "no such path; there are /ping and /invocations"}, {},
               response);
  }
}

void Router::Ping(Response& response) const { response.status = AnyReady(slots_) ? 200 : 503; }

Status Router::ResolveRequestId(const RequestView& request) {
  const bool is_inference_id = !request.inference_id.empty();
  const std::string_view given = is_inference_id ? request.inference_id : request.request_id;
  if (given.empty()) {
    constexpr std::string_view kDigits = "0123456789abcdef";
    request_id_.resize(32);
    for (std::size_t half = 0; half < 2; ++half) {
      std::uint64_t bits = random_();
      for (std::size_t i = 0; i < 16; ++i, bits >>= 4)
        request_id_[half * 16 + i] = kDigits[bits & 15];
    }
    return {};
  }
  request_id_.clear();
  if (given.size() > kMaxIdBytes || !IsPrintable(given)) {
    return Error{ErrorCode::kInvalidArgument, "expected at most 128 printable ASCII characters",
                 is_inference_id ? "X-Amzn-SageMaker-Inference-Id" : "X-Request-Id"};
  }
  request_id_ = given;
  return {};
}

void Router::NoteRequestId() noexcept {
  const std::size_t size = std::min(request_id_.size(), slot_.request_id.size() - 1);
  for (std::size_t i = 0; i < size; ++i) {
    slot_.request_id[i].store(request_id_[i], std::memory_order_relaxed);
  }
  slot_.request_id[size].store('\0', std::memory_order_relaxed);
}

void Router::Invoke(const RequestView& request, Response& response, Work& work) {
  if (const Status resolved = ResolveRequestId(request); !resolved) {
    return WriteError(resolved.error(), {}, response);
  }
  NoteRequestId();
  response.AddHeader("X-Request-Id", request_id_);
  if (!request.inference_id.empty()) {
    response.AddHeader("X-Amzn-SageMaker-Inference-Id", request_id_);
  }
  const std::string_view attributes = request.custom_attributes;
  if (attributes.size() > kMaxAttributesBytes || !IsPrintable(attributes)) {
    return WriteError(
        {ErrorCode::kInvalidArgument, "expected at most 1024 printable ASCII characters",
         "X-Amzn-SageMaker-Custom-Attributes"},
        request_id_, response);
  }
  if (!attributes.empty()) {
    response.AddHeader("X-Amzn-SageMaker-Custom-Attributes", attributes);
  }
  if (request.method != Method::kPost) {
    WriteError(NotAllowed("POST"), request_id_, response);
    return response.AddHeader("Allow", "POST");
  }
  if (invocations_ == nullptr) {
    return WriteError({ErrorCode::kNotReady, "the model is not loaded yet"}, request_id_, response);
  }
  if (request.retry_after.count() != 0) {
    slot_.metrics.Count("refused");
    return WriteOverload(request.retry_after, request_id_, response);
  }
  work.job_ = invocations_->Begin(request, request_id_, response);
  WorkOn(response, work);
}

void Router::WorkOn(const Response& response, Work& work) {
  if (!work.job_->Work()) return;
  invocations_->Release(std::move(work.job_));
  if (response.status >= 500) {
    log_.error("invocation_failed request_id={:?} status={}", request_id_, response.status);
  } else {
    log_.debug("invocation request_id={:?} status={}", request_id_, response.status);
  }
}

}  // namespace forkcast::serving
