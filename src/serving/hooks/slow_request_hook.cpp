#include "serving/hooks/slow_request_hook.hpp"

#include <fmt/format.h>
#include <spdlog/logger.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <string>
#include <string_view>

namespace forkcast::serving {
namespace {

using Milliseconds = std::chrono::duration<double, std::milli>;

constexpr std::string_view kWhole = "total";

std::optional<LatencyStage> ReadStage(const preprocessing::JsonNode& node) {
  const std::string word = node.String();
  if (word == kWhole) return std::nullopt;
  std::string known(kWhole);
  for (std::size_t i = 0; i < kStages; ++i) {
    const auto stage = static_cast<LatencyStage>(i);
    if (word == WordFor(stage)) return stage;
    known.append(", ").append(WordFor(stage));
  }
  node.Fail(fmt::format("expected one of {}", known));
}

/// `receive=0.020 queue=0.001`, of the stages that were reached, in milliseconds.
std::string ShowStages(std::span<const std::chrono::nanoseconds> stages) {
  std::string text;
  for (std::size_t i = 0; i < stages.size(); ++i) {
    if (stages[i].count() <= 0) continue;
    fmt::format_to(std::back_inserter(text), "{}{}={:.3f}", text.empty() ? "" : " ",
                   WordFor(static_cast<LatencyStage>(i)), Milliseconds(stages[i]).count());
  }
  return text;
}

}  // namespace

SlowRequestHook::Settings SlowRequestHook::ReadSettings(const preprocessing::JsonNode& node) {
  constexpr std::int64_t kHourInMilliseconds = 3'600'000;
  node.RequireObject({"type", "threshold_ms", "stage"});
  Settings settings{.threshold = std::chrono::milliseconds(
                        node.Get("threshold_ms").Integer(1, kHourInMilliseconds))};
  if (const auto stage = node.Find("stage")) settings.stage = ReadStage(*stage);
  return settings;
}

std::chrono::nanoseconds SlowRequestHook::Took(const Invocation& invocation) const noexcept {
  if (!settings_.stage) return invocation.answer.latency;
  const auto stage = static_cast<std::size_t>(*settings_.stage);
  return stage < invocation.answer.stages.size() ? invocation.answer.stages[stage]
                                                 : std::chrono::nanoseconds(0);
}

void SlowRequestHook::OnAnswer(const Invocation& invocation) {
  const std::chrono::nanoseconds took = Took(invocation);
  if (took < settings_.threshold) return;
  const std::string_view stage = settings_.stage ? WordFor(*settings_.stage) : kWhole;
  const std::array<std::string_view, 3> labels{invocation.deployment, invocation.route, stage};
  if (context_.series != nullptr) context_.series->CounterOf("slow_requests", labels).Add(1);
  const auto held_back = slow_.Pass(context_.clock.Monotonic());
  if (!held_back) return;
  context_.log.warn(
      "slow_request request_id={:?} traceparent={:?} deployment={:?} route={:?} stage={} "
      "took_ms={:.3f} threshold_ms={} latency_ms={:.3f} stages_ms={:?} status={} rows={} "
      "suppressed={}",
      invocation.request.id, invocation.request.traceparent, invocation.deployment,
      invocation.route, stage, Milliseconds(took).count(), settings_.threshold.count(),
      Milliseconds(invocation.answer.latency).count(), ShowStages(invocation.answer.stages),
      invocation.answer.status, invocation.features.row_numbers.size(), *held_back);
}

}  // namespace forkcast::serving
