#include "serving/drift/drift_gauges.hpp"

#include <array>
#include <string_view>

#include "model/drift/drift_decision.hpp"

namespace forkcast::serving {

void DriftGauges::Show(const model::DriftWindow& window, std::span<const model::ColumnBins> bins) {
  Deployment& deployment = Find(window.deployment);
  for (const auto& [name, column] : deployment.columns) {
    for (const SeriesGauge& gauge : {column.effect, column.p, column.status}) gauge.Clear();
  }
  deployment.window.Set(static_cast<double>(window.number));
  for (std::size_t i = 0; i < bins.size(); ++i) {
    const model::ColumnDrift& drift = window.columns[i];
    if (drift.rows <= 0) continue;
    const Column& column = Find(window.deployment, bins[i].name, deployment);
    column.effect.Set(drift.effect);
    column.p.Set(drift.p);
    column.status.Set(static_cast<double>(drift.status));
    column.alarms.Add(drift.status == model::DriftStatus::kAlarm ? 1 : 0);
  }
}

DriftGauges::Deployment& DriftGauges::Find(const std::string& deployment) {
  const auto known = deployments_.find(deployment);
  if (known != deployments_.end()) return known->second;
  const std::array<std::string_view, 1> labels{deployment};
  return deployments_
      .try_emplace(deployment, Deployment{.window = series_.GaugeOf("drift_window", labels)})
      .first->second;
}

DriftGauges::Column& DriftGauges::Find(const std::string& deployment, const std::string& column,
                                       Deployment& known) {
  const auto found = known.columns.find(column);
  if (found != known.columns.end()) return found->second;
  const std::array<std::string_view, 2> labels{deployment, column};
  return known.columns
      .try_emplace(column, Column{.effect = series_.GaugeOf("drift_effect", labels),
                                  .p = series_.GaugeOf("drift_p_value", labels),
                                  .status = series_.GaugeOf("drift_status", labels),
                                  .alarms = series_.CounterOf("drift_column_alarms", labels)})
      .first->second;
}

}  // namespace forkcast::serving
