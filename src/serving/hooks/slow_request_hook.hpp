#pragma once

#include <chrono>

#include "data_preprocessing/document/json_node.hpp"
#include "serving/hooks/hook.hpp"
#include "serving/hooks/hook_chain.hpp"

namespace forkcast::serving {

/// `"type": "slow_request"`: warns of requests that took `threshold_ms` or longer; at most one line
/// in 10 s, which says how many were held back.
class SlowRequestHook final : public Hook {
 public:
  struct Settings {
    std::chrono::milliseconds threshold{0};
  };
  /// Throws preprocessing::SpecError naming the JSON path.
  [[nodiscard]] static Settings ReadSettings(const preprocessing::JsonNode& node);

  SlowRequestHook(Settings settings, const HookContext& context)
      : settings_(settings), context_(context) {}
  void OnAnswer(const Invocation& invocation) override;

 private:
  Settings settings_;
  HookContext context_;
  LogLimiter slow_;
};

}  // namespace forkcast::serving
