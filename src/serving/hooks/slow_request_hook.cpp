#include "serving/hooks/slow_request_hook.hpp"

#include <spdlog/logger.h>

#include <cstdint>

namespace forkcast::serving {

SlowRequestHook::Settings SlowRequestHook::ReadSettings(const preprocessing::JsonNode& node) {
  constexpr std::int64_t kHourInMilliseconds = 3'600'000;
  node.RequireObject({"type", "threshold_ms"});
  return {std::chrono::milliseconds(node.Get("threshold_ms").Integer(1, kHourInMilliseconds))};
}

void SlowRequestHook::OnAnswer(const Invocation& invocation) {
  if (invocation.answer.latency < settings_.threshold) return;
  const auto held_back = slow_.Pass(context_.clock.Monotonic());
  if (!held_back) return;
  const std::chrono::duration<double, std::milli> latency = invocation.answer.latency;
  context_.log.warn(
      "slow_request request_id={:?} latency_ms={:.3f} status={} rows={} suppressed={}",
      invocation.request.id, latency.count(), invocation.answer.status,
      invocation.features.row_numbers.size(), *held_back);
}

}  // namespace forkcast::serving
