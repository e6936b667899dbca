#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "serving/http/router.hpp"
#include "serving/wire/request_decoder.hpp"

namespace forkcast::serving {

/// What is answered to `body`. `parts` says what is not usual; its path is that of invocations, its
/// deadline a minute ahead.
inline Response Ask(Router& router, std::string_view body, RequestView parts) {
  std::string padded(body);
  padded.resize(body.size() + wire::kBodyPadding);
  if (parts.path.empty()) parts.path = "/invocations";
  if (parts.request_id.empty()) parts.request_id = "r";
  parts.body = std::string_view(padded).substr(0, body.size());
  parts.started = MonotonicTime(std::chrono::hours(1));
  parts.whole = parts.started;
  parts.deadline = parts.started + std::chrono::minutes(1);
  Response response;
  router.Handle(parts, response);
  return response;
}

/// The same of `POST /invocations`.
inline Response PostTo(Router& router, std::string_view body, RequestView parts = {}) {
  parts.method = Method::kPost;
  return Ask(router, body, parts);
}

}  // namespace forkcast::serving
