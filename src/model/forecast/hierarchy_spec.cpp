#include "model/forecast/hierarchy_spec.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

namespace forkcast::model {
namespace {

using preprocessing::JsonNode;
using preprocessing::PipelineSpec;
using preprocessing::SeriesSpec;

/// A name, or a list of them.
HierarchyLevel ReadLevel(const JsonNode& node, const PipelineSpec& spec) {
  if (node.json().is_string()) return {ReadKeyAttribute(node, spec)};
  (void)node.Strings();  // none twice
  HierarchyLevel level;
  for (const JsonNode& name : node.Elements()) level.push_back(ReadKeyAttribute(name, spec));
  if (level.empty()) node.Fail("the sum of all is there anyway: expected a name, or some");
  return level;
}

std::set<std::string> NamesIn(const HierarchyLevel& level) {
  std::set<std::string> names;
  for (const KeyAttribute& one : level) names.insert(one.name);
  return names;
}

}  // namespace

std::string HierarchySpec::NameOf(const HierarchyLevel& level) {
  if (level.empty()) return "all";
  std::vector<std::string> names;
  for (const KeyAttribute& one : level) names.push_back(one.name);
  return fmt::format("{}", fmt::join(names, ","));
}

HierarchySpec ReadHierarchy(const JsonNode& node, const PipelineSpec& spec) {
  node.RequireObject({"paths", "reconcile", "model"});
  const SeriesSpec& series = spec.SeriesNamed(spec.forecast->series);
  if (!series.known_at.empty()) {
    node.Fail(
        "reads the past as it is known now, and the series has \"known_at\", whose past "
        "changes: take it away");
  }
  if (series.key.empty()) node.Fail("the series has no key: there is nothing to add up");
  HierarchySpec hierarchy;
  std::set<std::set<std::string>> known{{series.key.begin(), series.key.end()}};
  const JsonNode paths = node.Get("paths");
  for (const JsonNode& path : paths.Elements()) {
    std::vector<HierarchyLevel>& levels = hierarchy.paths.emplace_back();
    for (const JsonNode& element : path.Elements()) {
      levels.push_back(ReadLevel(element, spec));
      const std::set<std::string> names = NamesIn(levels.back());
      if (!known.insert(names).second) {
        element.Fail(names == std::set<std::string>(series.key.begin(), series.key.end())
                         ? "these are the keys themselves, which every path begins with"
                         : "this level is there already: a path that came back to it would be a "
                           "circle");
      }
    }
    if (levels.empty()) path.Fail("expected at least one level, such as \"category\"");
  }
  const std::string reconcile = node.Get("reconcile").String();
  if (reconcile != "bottom_up" && reconcile != "mint") {
    node.Get("reconcile").Fail("expected bottom_up or mint");
  }
  const auto model = node.Find("model");
  if (reconcile == "bottom_up") {
    if (model) model->Fail("sums that are made bottom-up need no model: take it away");
    return hierarchy;
  }
  hierarchy.history = FindHistoryMethod(node.Get("model"));
  if (hierarchy.history) return hierarchy;
  std::vector<std::string_view> names;
  for (const HistoryMethodKind& kind : HistoryMethodKinds()) names.push_back(kind.name);
  model->Get("algorithm")
      .Fail(fmt::format("sums are forecast from their own past: expected one of {}",
                        fmt::join(names, ", ")));
}

}  // namespace forkcast::model
