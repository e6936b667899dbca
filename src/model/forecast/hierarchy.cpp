#include "model/forecast/hierarchy.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include "model/forecast/model_keys.hpp"

namespace forkcast::model {
namespace {

using preprocessing::GridReader;
using preprocessing::Snapshot;
using preprocessing::Value;

/// `"category" toys`
std::string NameOf(const HierarchyLevel& level, const std::vector<std::string>& values) {
  return fmt::format("\"{}\" {}", HierarchySpec::NameOf(level), fmt::join(values, ","));
}

/// Checks that each group of a level lies in one of the next.
class Nesting {
 public:
  Nesting(const HierarchyLevel& fine, const HierarchyLevel& coarse)
      : fine_(fine), coarse_(coarse) {}

  Status Add(const std::vector<std::string>& group, const std::vector<std::string>& parent,
             const std::string& key) {
    // What is not known is no group of its own.
    if (std::ranges::find(group, std::string()) != group.end()) return {};
    const auto [known, is_new] = parents_.try_emplace(group, parent, key);
    if (is_new || known->second.first == parent) return {};
    return Error{
        ErrorCode::kInvalidArgument,
        fmt::format(
            "hierarchy: {} lies in {} by key {}, and in {} by key {}: expected one. Correct "
            "the data, or give the two levels a path each",
            NameOf(fine_, group), NameOf(coarse_, known->second.first), known->second.second,
            NameOf(coarse_, parent), key),
        HierarchySpec::NameOf(fine_)};
  }

 private:
  const HierarchyLevel& fine_;
  const HierarchyLevel& coarse_;
  std::map<std::vector<std::string>, std::pair<std::vector<std::string>, std::string>> parents_;
};

}  // namespace

const Hierarchy::Level& Hierarchy::LevelOf(std::size_t group) const noexcept {
  const auto behind = std::ranges::upper_bound(levels_, group, {}, &Level::first);
  return *(behind - 1);
}

Result<Hierarchy> Hierarchy::Build(const HierarchySpec& hierarchy,
                                   std::span<const Snapshot> snapshots, const GridReader& grid) {
  Hierarchy built;
  built.summed_.sums_of.resize(grid.key_count());
  /// `visit`: whether a key may be in its group.
  const auto add_level = [&](const HierarchyLevel& level, const auto& visit) -> Status {
    Level& added = built.levels_.emplace_back();
    added.name = HierarchySpec::NameOf(level);
    for (const KeyAttribute& one : level) added.attributes.push_back(one.name);
    added.first = built.groups_.size();
    std::map<std::vector<std::string>, std::uint32_t> numbers;
    for (std::size_t key = 0; key < grid.key_count(); ++key) {
      const std::vector<Value> values = grid.KeyValues(key);
      std::vector<std::string> group = AttributesOf(level, values, snapshots);
      if (Status ok = visit(values, group); !ok) return ok;
      const auto [known, is_new] =
          numbers.emplace(group, static_cast<std::uint32_t>(built.groups_.size()));
      if (is_new) built.groups_.push_back(std::move(group));
      built.summed_.sums_of[key].push_back(known->second);
    }
    added.count = built.groups_.size() - added.first;
    return {};
  };
  for (const std::vector<HierarchyLevel>& path : hierarchy.paths) {
    for (std::size_t i = 0; i < path.size(); ++i) {
      std::optional<Nesting> nesting;
      if (i + 1 < path.size()) nesting.emplace(path[i], path[i + 1]);
      const Status added = add_level(path[i], [&](std::span<const Value> key, const auto& group) {
        if (!nesting) return Status();
        return nesting->Add(group, AttributesOf(path[i + 1], key, snapshots), JoinedKey(key));
      });
      if (!added) return added.error();
    }
  }
  const Status added = add_level({}, [](const auto&, const auto&) { return Status(); });
  if (!added) return added.error();
  built.summed_.sums = built.groups_.size();
  return built;
}

}  // namespace forkcast::model
