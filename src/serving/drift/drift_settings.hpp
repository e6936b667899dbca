#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "data_preprocessing/document/json_node.hpp"
#include "model/drift/drift_decision.hpp"
#include "serving/webhook/webhook_settings.hpp"

namespace forkcast::serving {

/// How long a window, or the step from one to the next, is: so many rows, or so much time.
struct WindowLength {
  std::uint64_t rows = 0;  ///< 0: by time.
  std::chrono::seconds time{0};

  friend bool operator==(const WindowLength&, const WindowLength&) = default;
};

/// `"on_alarm": "retrain"`: the model that drifts is trained anew.
struct RetrainOnAlarm {
  std::chrono::seconds least_pause{86'400};  ///< From one start to the next, of a model.

  friend bool operator==(const RetrainOnAlarm&, const RetrainOnAlarm&) = default;
};

/// Of a hook of `"type": "drift"`.
struct DriftSettings {
  std::string folder{};  ///< Where DEPLOYMENT.json, the newest report, is.
  WindowLength window{.rows = 5'000};
  std::uint64_t steps = 1;  ///< Windows end so many times a length; 1: they do not overlap.
  model::DriftRules rules{};
  std::optional<WebhookSettings> webhook{};
  std::optional<RetrainOnAlarm> retraining{};

  friend bool operator==(const DriftSettings&, const DriftSettings&) = default;
};

/// Throws preprocessing::SpecError naming the JSON path.
[[nodiscard]] DriftSettings ReadDriftSettings(const preprocessing::JsonNode& node);

}  // namespace forkcast::serving
