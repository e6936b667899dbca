#include "model/forecast/hierarchy_forecaster.hpp"

#include <fmt/format.h>

#include <utility>

#include "data_preprocessing/document/json_node.hpp"
#include "model/forecast/forecast_files.hpp"

namespace forkcast::model {

Result<HierarchyForecaster> HierarchyForecaster::Open(const ForecastVersion& version,
                                                      const Forecaster& forecaster) {
  const HierarchySpec& spec = *forecaster.plan().hierarchy;
  const preprocessing::GridReader& grid = forecaster.grid();
  Result<Hierarchy> hierarchy = Hierarchy::Build(spec, forecaster.snapshots(), grid);
  if (!hierarchy) return std::move(hierarchy).error();
  HierarchyForecaster opened(forecaster.plan(), *std::move(hierarchy));
  if (!spec.history) return opened;
  opened.is_mint_ = true;
  const auto& forecast = *forecaster.spec().forecast;
  const std::size_t column =
      *forecaster.spec().SeriesNamed(forecast.series).ValueSchema().Find(forecast.value);
  opened.histories_ = SumHistories(opened.hierarchy_, grid, column);
  const PublishedFile* const file = version.FindFile(kHierarchyFile);
  if (file == nullptr) {
    return version.InFolder({ErrorCode::kCorrupt, fmt::format("{}: missing", kHierarchyFile)});
  }
  try {
    ReadJson(LoadFile(*file), [&](const preprocessing::JsonNode& root) {
      opened.model_ = HierarchyModel::FromJson(root, *spec.history, opened.hierarchy_, grid);
    });
    return opened;
  } catch (const preprocessing::SpecError& error) {
    return version.InFolder({ErrorCode::kCorrupt, error.what()});
  }
}

std::vector<std::vector<double>> HierarchyForecaster::Reconcile(
    preprocessing::PeriodIndex origin, std::vector<std::vector<double>>& keys) const {
  std::vector<std::vector<double>> sums;
  if (is_mint_) {
    const auto own = model_.ForecastSums(histories_, origin, keys.size());
    for (std::size_t step = 0; step < keys.size(); ++step) {
      model_.ReconcileKeys(hierarchy_, own[step], keys[step]);
      for (double& value : keys[step]) value = output_.Apply(value);
    }
  }
  for (const std::vector<double>& one : keys) sums.push_back(AddUp(hierarchy_.summed(), one));
  return sums;
}

}  // namespace forkcast::model
