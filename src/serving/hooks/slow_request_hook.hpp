#pragma once

#include <chrono>
#include <optional>

#include "data_preprocessing/document/json_node.hpp"
#include "serving/hooks/hook.hpp"
#include "serving/hooks/hook_chain.hpp"
#include "serving/metrics/stage.hpp"

namespace forkcast::serving {

/// `"type": "slow_request"`: a budget of `threshold_ms` for a request, or for one `stage` of it.
/// Those that take so long or longer are counted (slow_requests), and at most one in 10 s is logged
/// with what each stage took, which says how many were held back. What hooks take behind the answer
/// is not known yet.
class SlowRequestHook final : public Hook {
 public:
  struct Settings {
    std::chrono::milliseconds threshold{0};
    std::optional<LatencyStage> stage{};  ///< None: the whole request.
  };
  /// Throws preprocessing::SpecError naming the JSON path.
  [[nodiscard]] static Settings ReadSettings(const preprocessing::JsonNode& node);

  SlowRequestHook(Settings settings, const HookContext& context)
      : settings_(settings), context_(context) {}
  void OnAnswer(const Invocation& invocation) override;

 private:
  [[nodiscard]] std::chrono::nanoseconds Took(const Invocation& invocation) const noexcept;

  Settings settings_;
  HookContext context_;
  LogLimiter slow_;
};

}  // namespace forkcast::serving
