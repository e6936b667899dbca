#include "serving/http/cors_policy.hpp"

#include <algorithm>

namespace forkcast::serving {
namespace {

constexpr std::string_view kAll = "*";

bool Has(const std::vector<std::string>& origins, std::string_view origin) noexcept {
  return std::ranges::find(origins, origin) != origins.end();
}

}  // namespace

bool CorsPolicy::Allows(std::string_view origin) const noexcept {
  return !origin.empty() && (Has(origins, origin) || Has(origins, kAll));
}

void CorsPolicy::AddTo(Response& response, std::string_view origin) const {
  if (origins.empty()) return;
  const bool all = Has(origins, kAll);
  if (!all) response.AddHeader("Vary", "Origin");
  if (!Allows(origin)) return;
  response.AddHeader("Access-Control-Allow-Origin", all ? kAll : origin);
  response.AddHeader("Access-Control-Expose-Headers", kAll);
}

void CorsPolicy::AddPreflight(std::string_view methods, Response& response) {
  response.AddHeader("Access-Control-Allow-Methods", methods);
  response.AddHeader("Access-Control-Allow-Headers", kAll);
  response.AddHeader("Access-Control-Max-Age", "600");
}

}  // namespace forkcast::serving
