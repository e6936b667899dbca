#include "serving/drift/drift_settings.hpp"

#include <fmt/format.h>

namespace forkcast::serving {
namespace {

using preprocessing::JsonNode;

constexpr std::int64_t kMostRows = 1'000'000'000;
constexpr std::int64_t kMostSeconds = 366 * 86'400;
constexpr std::int64_t kMostSteps = 60;

model::DriftRules ReadRules(const JsonNode& node) {
  model::DriftRules rules;
  if (const auto rows = node.Find("min_rows")) {
    constexpr std::int64_t kLeast = 100;  // below, no test of shares says anything
    rules.min_rows = static_cast<double>(rows->Integer(kLeast, kMostRows));
  }
  if (const auto effect = node.Find("min_effect")) {
    constexpr double kMost = 10;
    rules.min_effect = effect->Number(0, kMost);
  }
  if (const auto rate = node.Find("false_alarm_rate")) {
    constexpr double kLeast = 1e-12;
    constexpr double kMost = 0.1;
    rules.false_alarm_rate = rate->Number(kLeast, kMost);
  }
  return rules;
}

std::optional<RetrainOnAlarm> ReadRetraining(const JsonNode& node) {
  const auto action = node.Find("on_alarm");
  const auto pause = node.Find("retrain_seconds");
  if (action && action->String() != "retrain") action->Fail("expected \"retrain\"");
  if (!action) {
    if (pause) pause->Fail("only with \"on_alarm\": \"retrain\"");
    return std::nullopt;
  }
  RetrainOnAlarm retraining;
  if (pause) retraining.least_pause = std::chrono::seconds(pause->Integer(1, kMostSeconds));
  return retraining;
}

}  // namespace

DriftSettings ReadDriftSettings(const JsonNode& node) {
  node.RequireObject({"type", "folder", "window_rows", "window_seconds", "steps", "min_rows",
                      "min_effect", "false_alarm_rate", "webhook", "on_alarm", "retrain_seconds"});
  DriftSettings settings{.rules = ReadRules(node), .retraining = ReadRetraining(node)};
  if (const auto webhook = node.Find("webhook")) settings.webhook = ReadWebhookSettings(*webhook);
  const JsonNode folder = node.Get("folder");
  settings.folder = folder.String();
  if (settings.folder.find('\0') != std::string::npos) folder.Fail("expected a path without NUL");
  const auto rows = node.Find("window_rows");
  const auto seconds = node.Find("window_seconds");
  if (rows && seconds) seconds->Fail("a window has rows or seconds, not both");
  if (seconds) {
    settings.window = {.time = std::chrono::seconds(seconds->Integer(1, kMostSeconds))};
  }
  if (rows) settings.window.rows = static_cast<std::uint64_t>(rows->Integer(1, kMostRows));
  const double window_rows = static_cast<double>(settings.window.rows);
  if (!seconds && window_rows < settings.rules.min_rows) {
    node.Get(rows ? "window_rows" : "min_rows")
        .Fail(fmt::format("a window of {} rows could never alarm, since it takes min_rows, {}",
                          settings.window.rows, settings.rules.min_rows));
  }
  if (const auto steps = node.Find("steps")) {
    settings.steps = static_cast<std::uint64_t>(steps->Integer(1, kMostSteps));
  }
  return settings;
}

}  // namespace forkcast::serving
