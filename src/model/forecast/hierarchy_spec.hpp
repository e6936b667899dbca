#pragma once

#include <memory>
#include <string>
#include <vector>

#include "data_preprocessing/document/json_node.hpp"
#include "data_preprocessing/pipeline/pipeline_spec.hpp"
#include "model/forecast/key_attribute.hpp"
#include "model/history/history_method.hpp"

namespace forkcast::model {

/// Keys with the same attributes are added up.
using HierarchyLevel = std::vector<KeyAttribute>;

/// The sums that are forecast beside the keys: `training.hierarchy` (docs/forecasting.md).
struct HierarchySpec {
  /// Each from fine to coarse: a group of one level lies in one group of the next.
  std::vector<std::vector<HierarchyLevel>> paths;
  /// What forecasts sums, where forecasts of keys are to agree with them (MinT); null: sums are
  /// those of the keys' forecasts (bottom-up).
  std::shared_ptr<const HistoryMethod> history;

  /// "category", "store,category"; of no attribute "all".
  [[nodiscard]] static std::string NameOf(const HierarchyLevel& level);
};

/// Throws SpecError: as ReadKeyAttribute(), and for a level that is there twice or is the keys
/// themselves.
[[nodiscard]] HierarchySpec ReadHierarchy(const preprocessing::JsonNode& node,
                                          const preprocessing::PipelineSpec& spec);

}  // namespace forkcast::model
