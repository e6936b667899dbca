#include "model/forecast/metric_texts.hpp"

#include <string>

#include "data_preprocessing/document/json.hpp"
#include "model/artefact/manifest_parts.hpp"

namespace forkcast::model {

nlohmann::ordered_json MetricsJson(const ErrorSums& sums) {
  nlohmann::ordered_json metrics{{"rows", sums.rows()}};
  for (const Metric metric : Metric::All()) {
    metrics[std::string(metric->name)] = OrNull(sums.Value(metric));
  }
  return metrics;
}

}  // namespace forkcast::model
