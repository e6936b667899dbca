#include "model/quality/quality_reference.hpp"

#include <string>
#include <utility>

#include "model/evaluate/class_metrics.hpp"
#include "model/evaluate/intervals.hpp"
#include "model/evaluate/metrics.hpp"

namespace forkcast::model {
namespace {

using nlohmann::ordered_json;
using Worse = MetricReference::Worse;

const ordered_json& FoldsOf(const ordered_json& manifest) {
  static const ordered_json kNone = ordered_json::array();
  const auto evaluation = manifest.find("evaluation");
  if (evaluation == manifest.end()) return kNone;
  const auto folds = evaluation->find("folds");
  return folds == evaluation->end() || !folds->is_array() ? kNone : *folds;
}

std::optional<double> NumberIn(const ordered_json& fold, std::string_view name) {
  const auto found = fold.find(name);
  if (found == fold.end() || !found->is_number()) return std::nullopt;
  return found->get<double>();
}

std::vector<double> ValuesOf(const ordered_json& folds, std::string_view name) {
  std::vector<double> values;
  for (const ordered_json& fold : folds) {
    if (const auto value = NumberIn(fold, name)) values.push_back(*value);
  }
  return values;
}

/// bias / mean |y|, where mean |y| is MAE / WAPE.
std::vector<double> RelativeBiases(const ordered_json& folds) {
  std::vector<double> values;
  for (const ordered_json& fold : folds) {
    const auto bias = NumberIn(fold, "bias");
    const auto mae = NumberIn(fold, "mae");
    const auto wape = NumberIn(fold, "wape");
    if (!bias || !mae || !wape) continue;
    values.push_back(*mae == 0 ? 0 : *bias * *wape / *mae);
  }
  return values;
}

/// Of intervals, if the version has some.
std::vector<double> LevelsIn(const ordered_json& manifest) {
  constexpr auto kPath = "/evaluation/intervals/levels";
  std::vector<double> levels;
  for (const ordered_json& level :
       manifest.value(ordered_json::json_pointer(kPath), ordered_json::array())) {
    if (level.is_number()) levels.push_back(level.get<double>());
  }
  return levels;
}

Result<QualityReference> WithRows(QualityReference reference, const ordered_json& folds) {
  double rows = 0;
  for (const ordered_json& fold : folds) rows += NumberIn(fold, "rows").value_or(0);
  if (rows == 0) {
    return Error{ErrorCode::kRefusedData,
                 "the version has no folds of its validation to compare with: train it with some"};
  }
  reference.rows_of_a_fold = rows / static_cast<double>(folds.size());
  return reference;
}

}  // namespace

Result<QualityReference> ForecastReferenceOf(const ordered_json& manifest) {
  const ordered_json& folds = FoldsOf(manifest);
  QualityReference reference;
  // MASE needs a scale of each series, which what was answered has not.
  const std::string decides = manifest.value("/evaluation/metric"_json_pointer, "wape");
  const std::string tested = decides == "mase" ? "wape" : decides;
  for (const Metric metric : Metric::All()) {
    MetricReference one{.name = std::string(metric->name), .folds = ValuesOf(folds, metric->name)};
    if (one.name == tested) {
      one.worse = Worse::kGreater;
      one.unit = one.Mean();
    }
    reference.metrics.push_back(std::move(one));
  }
  MetricReference bias{
      .name = kRelativeBias, .folds = RelativeBiases(folds), .worse = Worse::kApart};
  bias.unit = reference.Find("wape")->Mean();
  reference.metrics.push_back(std::move(bias));
  for (const double level : LevelsIn(manifest)) {
    const std::string name = CoverageName(level);
    reference.metrics.push_back(
        {.name = name, .folds = ValuesOf(folds, name), .worse = Worse::kApart, .unit = 1 - level});
  }
  return WithRows(std::move(reference), folds);
}

Result<QualityReference> ClassReferenceOf(const ordered_json& manifest) {
  const ordered_json& folds = FoldsOf(manifest);
  QualityReference reference;
  for (const ClassMetric metric : ClassMetric::All()) {
    MetricReference one{.name = std::string(metric->name), .folds = ValuesOf(folds, metric->name)};
    const bool is_share = metric->best == ClassMetricRow::Best::kGreatest;
    one.worse = is_share ? Worse::kLess : Worse::kGreater;
    one.unit = is_share ? 1 - one.Mean() : one.Mean();
    reference.metrics.push_back(std::move(one));
  }
  return WithRows(std::move(reference), folds);
}

}  // namespace forkcast::model
