#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "data_preprocessing/base/clock.hpp"
#include "data_preprocessing/document/json.hpp"
#include "serving/drift/drift_settings.hpp"
#include "serving/process/retrain_keeper.hpp"
#include "serving/webhook/webhook_sender.hpp"

namespace spdlog {
class logger;
}

namespace forkcast::serving {

/// What alarms do beside being logged and counted: they tell a webhook when columns begin or cease
/// to drift, and again as long as they do (WebhookSettings::again), and ask for a model to be
/// trained anew (DriftSettings::retraining). Not thread-safe; never waits.
class DriftAlarms {
 public:
  /// All outlives this.
  struct Context {
    spdlog::logger& log;
    const Clock& clock;
    SeriesWriter& series;
    std::function<std::string()> make_id;  ///< Of messages: another one each time.
    std::function<void(const RetrainWish&)> retrain;
    std::uint32_t seed = 1;
  };
  explicit DriftAlarms(Context context) : context_(std::move(context)) {}

  /// Of each window that was judged. `report`: of the deployment's newest; `folder`: of the version
  /// that answers.
  void OnWindow(const nlohmann::ordered_json& report, const std::string& folder,
                const DriftSettings& settings);

 private:
  /// What a receiver was told last of a deployment.
  struct Told {
    std::vector<std::string> columns{};
    MonotonicTime at;
  };

  /// Notes that it is told then.
  [[nodiscard]] bool IsNews(const std::string& deployment, const std::vector<std::string>& columns,
                            const WebhookSettings& settings);
  [[nodiscard]] WebhookSender& SenderTo(const WebhookSettings& settings);
  [[nodiscard]] WebhookMessage MessageOf(const nlohmann::ordered_json& report) const;

  Context context_;
  std::map<std::pair<std::string, std::string>, Told> told_;  // by URL and deployment
  /// By URL and file of the secret.
  std::map<std::pair<std::string, std::string>, std::unique_ptr<WebhookSender>> senders_;
};

}  // namespace forkcast::serving
