#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <tuple>
#include <vector>

#include "data_preprocessing/base/clock.hpp"
#include "data_preprocessing/base/log_limiter.hpp"
#include "data_preprocessing/document/json.hpp"
#include "model/drift/drift_decision.hpp"
#include "model/drift/drift_reference.hpp"
#include "serving/drift/drift_alarms.hpp"
#include "serving/drift/drift_gauges.hpp"
#include "serving/drift/drift_message.hpp"
#include "serving/drift/drift_settings.hpp"
#include "serving/drift/quality_watch.hpp"
#include "serving/metrics/metric_values.hpp"
#include "serving/process/shared_text.hpp"

namespace spdlog {
class logger;
}

namespace forkcast::serving {

/// The newest reports of all deployments, as GET /drift answers them: {"deployments": [...]}, and
/// `quality` (QualityWatch::newest()) where there is some; empty before there is one. Where all do
/// not fit, columns that show no drift are left out.
using DriftBoard = SharedText<262'144>;

/// The recorder's side: adds up what workers counted, judges each window that is complete, tells
/// the log of alarms, writes the newest report as FOLDER/DEPLOYMENT.json, onto the board and into
/// the series. A window ends with the message that fills it. Not thread-safe.
class DriftMonitor {
 public:
  /// Everything outlives this. `metrics`: of the server. `series`: of the recorder.
  struct Outputs {
    DriftBoard& board;
    MetricValues& metrics;
    SeriesWriter& series;
    DriftAlarms& alarms;
    spdlog::logger& log;
    const Clock& clock;
  };
  explicit DriftMonitor(const Outputs& outputs)
      : outputs_(outputs),
        gauges_(outputs.series),
        quality_(outputs.metrics, outputs.series, outputs.log) {}

  /// Adds up one message. Errors cost it, and mean what DecodeDrift() or ReadDriftReference() says.
  [[nodiscard]] Status Take(std::span<const std::byte> bytes);

 private:
  /// Rows between two ends of windows.
  struct Pane {
    std::vector<double> counts;
    Instant from;
    Instant to;
    std::uint64_t rows = 0;
  };
  /// One version of a deployment under one hook.
  struct Watched {
    Watched(DriftSettings its_settings, std::shared_ptr<const model::DriftReference> its_reference)
        : settings(std::move(its_settings)),
          reference(std::move(its_reference)),
          judge(reference->bins, settings.rules) {}

    DriftSettings settings;
    std::shared_ptr<const model::DriftReference> reference;
    model::DriftJudge judge;
    std::optional<Pane> open{};
    std::deque<Pane> panes{};  // the last ones that are complete, settings.steps at most
    std::uint64_t windows = 0;
    std::uint64_t last_used = 0;
  };
  using Key = std::tuple<std::string, std::string, std::string>;  // settings, deployment, folder

  Result<Watched*> Find(const DriftMessage& message);
  void Add(const DriftMessage& message, Watched& watched) const;
  void Judge(const DriftMessage& message, Watched& watched);
  void Tell(const std::string& deployment, const nlohmann::ordered_json& report,
            const DriftSettings& settings);
  void ShowAll();

  Outputs outputs_;
  DriftGauges gauges_;
  QualityWatch quality_;
  std::map<Key, Watched> watched_;
  std::map<std::string, nlohmann::ordered_json> newest_;  // by deployment
  std::uint64_t messages_ = 0;
  LogLimiter failures_;
};

}  // namespace forkcast::serving
