#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "data_preprocessing/base/result.hpp"
#include "data_preprocessing/series/grid_reader.hpp"
#include "data_preprocessing/series/snapshot.hpp"
#include "model/forecast/hierarchy_spec.hpp"
#include "model/forecast/reconciliation.hpp"

namespace forkcast::model {

/// The keys of a grid with the sums that they are part of, by number: levels in the order of their
/// declaration, "all" last, and in each its groups in the order of their first keys.
class Hierarchy {
 public:
  struct Level {
    std::string name;
    std::vector<std::string> attributes;
    std::size_t first = 0;  ///< Of its groups.
    std::size_t count = 0;
  };

  /// kInvalidArgument naming the group and both keys for one that lies in two groups of the next
  /// level of its path. A key of which an attribute is not known is in the group where it is
  /// missing.
  static Result<Hierarchy> Build(const HierarchySpec& hierarchy,
                                 std::span<const preprocessing::Snapshot> snapshots,
                                 const preprocessing::GridReader& grid);

  [[nodiscard]] const std::vector<Level>& levels() const noexcept { return levels_; }
  /// The group's attributes, as texts; empty where one is missing.
  [[nodiscard]] const std::vector<std::string>& ValuesOf(std::size_t group) const noexcept {
    return groups_[group];
  }
  [[nodiscard]] const Level& LevelOf(std::size_t group) const noexcept;
  /// Keys of the grid are the leaves, groups the sums.
  [[nodiscard]] const SummedLeaves& summed() const noexcept { return summed_; }

 private:
  std::vector<Level> levels_;
  std::vector<std::vector<std::string>> groups_;
  SummedLeaves summed_;
};

}  // namespace forkcast::model
