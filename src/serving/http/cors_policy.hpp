#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "serving/http/response.hpp"

namespace forkcast::serving {

/// Which web pages may ask from within a browser (CORS, https://fetch.spec.whatwg.org). It is the
/// browser that keeps to it; the server only says so. Without credentials: there are none here.
struct CorsPolicy {
  /// Of pages, as browsers send them (`https://shop.example`), or `*` for all; none: nothing is
  /// said of it.
  std::vector<std::string> origins;

  /// Whether a page of `origin`, which is empty when no browser asks, may.
  [[nodiscard]] bool Allows(std::string_view origin) const noexcept;
  /// Adds to an answer what lets such a page read it, and keeps caches from giving it to another.
  void AddTo(Response& response, std::string_view origin) const;
  /// Makes `response` the answer to a browser that asks first whether it may. `methods`: of the
  /// path.
  static void AddPreflight(std::string_view methods, Response& response);
};

}  // namespace forkcast::serving
