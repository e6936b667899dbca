#pragma once

#include <map>
#include <span>
#include <string>

#include "model/drift/drift_bins.hpp"
#include "model/drift/drift_report.hpp"
#include "serving/metrics/series.hpp"

namespace forkcast::serving {

/// What Prometheus is told of the newest windows, by deployment and column. What a newer window of
/// the deployment does not have, as of another version, is told no more. Not thread-safe.
class DriftGauges {
 public:
  /// `series` outlives this.
  explicit DriftGauges(SeriesWriter& series) : series_(series) {}

  /// `bins`: of the window's columns. Columns without rows are left out.
  void Show(const model::DriftWindow& window, std::span<const model::ColumnBins> bins);

 private:
  struct Column {
    SeriesGauge effect;
    SeriesGauge p;
    SeriesGauge status;
    SeriesCounter alarms;
  };
  struct Deployment {
    SeriesGauge window;
    std::map<std::string, Column, std::less<>> columns{};
  };

  Deployment& Find(const std::string& deployment);
  Column& Find(const std::string& deployment, const std::string& column, Deployment& known);

  SeriesWriter& series_;
  std::map<std::string, Deployment, std::less<>> deployments_;
};

}  // namespace forkcast::serving
