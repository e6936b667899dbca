#include "serving/drift/drift_alarms.hpp"

#include <spdlog/logger.h>

#include <filesystem>

#include "data_preprocessing/table/parse_value.hpp"
#include "model/drift/drift_report.hpp"

namespace forkcast::serving {

using nlohmann::ordered_json;

namespace {

/// The model of a version's folder, ROOT/NAME/NUMBER.
RetrainWish WishFor(const std::string& folder, std::chrono::seconds least_pause) {
  const std::filesystem::path model = std::filesystem::path(folder).parent_path();
  return {.models = model.parent_path().string(),
          .name = model.filename().string(),
          .least_pause = least_pause};
}

}  // namespace

void DriftAlarms::OnWindow(const ordered_json& report, const std::string& folder,
                           const DriftSettings& settings) {
  const bool is_alarm = report["alarm"];
  if (is_alarm && settings.retraining) {
    context_.retrain(WishFor(folder, settings.retraining->least_pause));
  }
  if (!settings.webhook) return;
  if (!IsNews(report["deployment"], model::AlarmedNames(report), *settings.webhook)) return;
  SenderTo(*settings.webhook).Send(MessageOf(report));
}

bool DriftAlarms::IsNews(const std::string& deployment, const std::vector<std::string>& columns,
                         const WebhookSettings& settings) {
  const MonotonicTime now = context_.clock.Monotonic();
  Told& told = told_[{settings.url, deployment}];
  const bool is_known =
      columns == told.columns && (columns.empty() || now < told.at + settings.again);
  if (is_known) return false;
  told = {.columns = columns, .at = now};
  return true;
}

WebhookSender& DriftAlarms::SenderTo(const WebhookSettings& settings) {
  std::unique_ptr<WebhookSender>& sender = senders_[{settings.url, settings.secret_file.string()}];
  if (!sender) {
    sender = std::make_unique<WebhookSender>(settings, WebhookSender::Context{
                                                           .log = context_.log,
                                                           .clock = context_.clock,
                                                           .series = context_.series,
                                                           .seed = context_.seed,
                                                       });
  }
  return *sender;
}

WebhookMessage DriftAlarms::MessageOf(const ordered_json& report) const {
  const char* const event = report["alarm"].get<bool>() ? "drift_alarm" : "drift_over";
  std::string id = context_.make_id();
  const ordered_json body{
      {"event", event},
      {"id", id},
      {"time", preprocessing::IsoTimestamp(context_.clock.Now())},
      {"deployment", report["deployment"]},
      {"pipeline", report["pipeline"]},
      {"version", report["version"]},
      {"window", report["window"]},
      {"columns", model::AlarmedColumns(report)},
  };
  return {.event = event, .id = std::move(id), .body = body.dump()};
}

}  // namespace forkcast::serving
