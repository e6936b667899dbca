#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "data_preprocessing/document/json_node.hpp"
#include "data_preprocessing/series/grid_reader.hpp"
#include "model/evaluate/walk_forward.hpp"
#include "model/forecast/hierarchy.hpp"
#include "model/forecast/history_model.hpp"
#include "model/forecast/reconciliation.hpp"
#include "model/history/history_method.hpp"

namespace forkcast::model {

/// The past of a sum: one value a period from `first` on to the newest of all, NaN where no key has
/// one.
struct SummedHistory {
  preprocessing::PeriodIndex first = 0;
  std::vector<double> values;
};
/// Of every group, of the values in `column`.
[[nodiscard]] std::vector<SummedHistory> SumHistories(const Hierarchy& hierarchy,
                                                      const preprocessing::GridReader& grid,
                                                      std::size_t column);

/// What forecasts the sums of a hierarchy, and how keys give way to them. Empty, sums are
/// bottom-up. Groups and keys are those of one Hierarchy and its grid. Never changes once it is
/// there; thread-safe.
class HierarchyModel {
 public:
  HierarchyModel() = default;
  /// Learns of every group that has a value in the periods `train`; without gains yet.
  static HierarchyModel Learn(const HistoryMethod& method, std::span<const SummedHistory> histories,
                              PeriodRange train);

  void SetGains(ReconciliationGains gains) { gains_ = std::move(gains); }
  [[nodiscard]] double shrinkage() const noexcept { return gains_.shrinkage; }

  /// What the sums' own past says of the steps 1 .. steps behind `origin`: by step and group, NaN
  /// where there is nothing.
  [[nodiscard]] std::vector<std::vector<double>> ForecastSums(
      std::span<const SummedHistory> histories, preprocessing::PeriodIndex origin,
      std::size_t steps) const;
  /// Makes the keys' forecasts of one step agree with what is forecast of the sums. As Reconcile().
  void ReconcileKeys(const Hierarchy& hierarchy, std::span<const double> sums,
                     std::span<double> keys) const;

  /// hierarchy.json (FORMAT.md).
  [[nodiscard]] nlohmann::ordered_json ToJson(const Hierarchy& hierarchy,
                                              const preprocessing::GridReader& grid) const;
  /// What ToJson() wrote, for the groups and keys that there are now: a new group has no forecast
  /// of its own, and a new key does not give way. Throws SpecError.
  static HierarchyModel FromJson(const preprocessing::JsonNode& node, const HistoryMethod& method,
                                 const Hierarchy& hierarchy, const preprocessing::GridReader& grid);

 private:
  std::vector<std::optional<HistoryModel::Part>> sums_;
  ReconciliationGains gains_;
};

}  // namespace forkcast::model
