#pragma once

#include <chrono>
#include <cstdint>
#include <string_view>

#include "data_preprocessing/base/clock.hpp"

namespace forkcast::serving {

enum class Method : std::uint8_t { kGet, kHead, kPost, kDelete, kOptions, kOther };

/// One request as handlers see it: checked, whole, in views that live until it is answered.
/// A header that was not sent is empty.
struct RequestView {
  Method method = Method::kOther;
  std::string_view path{};   ///< Target up to `?`; `*` of OPTIONS alone.
  std::string_view query{};  ///< Target behind `?`.
  std::string_view body{};   ///< wire::kBodyPadding readable bytes follow.
  std::string_view content_type{};
  std::string_view content_encoding{};
  std::string_view accept{};
  std::string_view accept_encoding{};
  std::string_view inference_id{};       ///< X-Amzn-SageMaker-Inference-Id
  std::string_view request_id{};         ///< X-Request-Id
  std::string_view custom_attributes{};  ///< X-Amzn-SageMaker-Custom-Attributes
  std::string_view target_model{};       ///< X-Amzn-SageMaker-Target-Model
  std::string_view idempotency_key{};    ///< Idempotency-Key
  std::string_view forwarded_for{};      ///< X-Forwarded-For, several joined by commas.
  std::string_view forwarded{};          ///< Forwarded, likewise.
  std::string_view origin{};             ///< Origin
  std::string_view preflight_method{};   ///< Access-Control-Request-Method
  /// The W3C's; empty also when it is none: it is ignored then, as that standard says.
  std::string_view traceparent{};
  MonotonicTime started{};             ///< When its first byte had been read.
  MonotonicTime whole{};               ///< When all of it had been read.
  MonotonicTime deadline{};            ///< When its answer has to be made.
  std::chrono::nanoseconds queued{0};  ///< Before it was read, at most (QueueDelay).
  bool waited = false;                 ///< For its turn, behind other large ones.
  /// Not 0: more is waiting than can be done in time. What takes work is to be refused, and had
  /// better come again after so long.
  std::chrono::seconds retry_after{0};
  std::string_view inference_header_length{};  ///< Inference-Header-Content-Length
};

}  // namespace forkcast::serving
