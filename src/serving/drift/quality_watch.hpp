#pragma once

#include <filesystem>
#include <map>
#include <string>

#include "data_preprocessing/base/clock.hpp"
#include "data_preprocessing/base/file_identity.hpp"
#include "data_preprocessing/base/log_limiter.hpp"
#include "data_preprocessing/document/json.hpp"
#include "serving/metrics/metric_values.hpp"
#include "serving/metrics/series.hpp"

namespace spdlog {
class logger;
}

namespace forkcast::serving {

/// The recorder's side of `forkcast drift quality --report`: looks now and then whether a report
/// was left, counts it, shows its last window in the series, and tells the log of an alarm. Not
/// thread-safe.
class QualityWatch {
 public:
  /// Everything outlives this. `metrics`: of the server. `series`: of the recorder.
  QualityWatch(MetricValues& metrics, SeriesWriter& series, spdlog::logger& log) noexcept
      : metrics_(metrics), series_(series), log_(log) {}

  /// Looks into FOLDER/quality, not more often than every ten seconds. True when a report is new.
  bool Look(const std::filesystem::path& folder, MonotonicTime now);

  /// The newest report of each model, with its last window alone.
  [[nodiscard]] nlohmann::ordered_json newest() const;

 private:
  struct Report {
    FileIdentity identity;
    nlohmann::ordered_json shown;
  };
  bool Read(const std::filesystem::path& file, MonotonicTime now);
  void Tell(const nlohmann::ordered_json& shown) const;
  void ShowGauges(const nlohmann::ordered_json& shown) const;

  MetricValues& metrics_;
  SeriesWriter& series_;
  spdlog::logger& log_;
  std::map<std::filesystem::path, MonotonicTime> next_look_;  // by folder
  std::map<std::filesystem::path, Report> reports_;           // by file
  LogLimiter failures_;
};

}  // namespace forkcast::serving
