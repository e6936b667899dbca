#include "model/learn/xgboost/tree_options.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <type_traits>
#include <utility>

#include "model/learn/xgboost/tree_algorithm.hpp"

namespace forkcast::model {

using preprocessing::JsonNode;

namespace {

constexpr std::array<std::pair<Objective, std::string_view>, 3> kObjectives{
    {{Objective::kSquaredError, "squared_error"},
     {Objective::kAbsoluteError, "absolute_error"},
     {Objective::kSquaredRelativeError, "squared_relative_error"}}};
constexpr double kLeast = 1e-6;  // of what must be greater than 0
// Looking for a split takes as long as a feature has bins, however few rows there are: of 40 shops
// with 900 rows each, 256 bins took 2.4 times as long and were no better.
constexpr unsigned kBinsOfFewRows = 64;

EarlyStopping ReadEarlyStopping(const JsonNode& node) {
  node.RequireObject({"rounds", "share", "refit"});
  EarlyStopping stopping;
  if (const auto rounds = node.Find("rounds")) {
    stopping.rounds = static_cast<std::size_t>(rounds->Integer(1, 1'000'000));
  }
  if (const auto share = node.Find("share")) stopping.share = share->Number(kLeast, 0.9);
  if (const auto refit = node.Find("refit")) stopping.refit = refit->Bool();
  return stopping;
}

void RefuseWhatHasNoMeaning(const JsonNode& node, const TreeOptions& options) {
  const auto refuse = [&node](const char* key, const char* why) {
    if (const auto member = node.Find(key)) member->Fail(why);
  };
  const TreeAlgorithm& algorithm = *options.algorithm;
  for (const RefusedMember& member : algorithm.refused) refuse(member.name, member.why);
  if (algorithm.no_absolute_error != nullptr && options.objective == Objective::kAbsoluteError) {
    refuse("objective", algorithm.no_absolute_error);
  }
  if (options.task != Task::kRegression) refuse("objective", "only a regression has one");
}

}  // namespace

TreeOptions ReadTreeOptions(const TrainerDeclaration& declaration, const TreeAlgorithm& algorithm) {
  const JsonNode& node = declaration.node;
  node.RequireObject({"algorithm", "task", "classes", "objective", "trees", "max_depth",
                      "max_leaves", "learning_rate", "row_share", "columns_per_tree",
                      "columns_per_node", "min_child_weight", "lambda", "min_gain", "max_bins",
                      "early_stopping", "seed", "threads"});
  TreeOptions options = algorithm.defaults();
  static_cast<LearningSetting&>(options) = declaration.setting;
  if (declaration.of_few_rows) options.max_bins = kBinsOfFewRows;
  if (const auto objective = node.Find("objective")) {
    const std::string name = objective->String();
    const auto* const found =
        std::ranges::find(kObjectives, name, &std::pair<Objective, std::string_view>::second);
    if (found == kObjectives.end()) {
      objective->Fail("expected squared_error, absolute_error or squared_relative_error");
    }
    options.objective = found->first;
  }
  RefuseWhatHasNoMeaning(node, options);

  const auto read_integer = [&node](const char* key, std::int64_t least, std::int64_t greatest,
                                    auto& value) {
    if (const auto member = node.Find(key)) {
      value =
          static_cast<std::remove_reference_t<decltype(value)>>(member->Integer(least, greatest));
    }
  };
  const auto read_number = [&node](const char* key, double least, double greatest, double& value) {
    if (const auto member = node.Find(key)) value = member->Number(least, greatest);
  };
  read_integer("trees", 1, 1'000'000, options.trees);
  read_integer("max_depth", 0, 1'000, options.max_depth);
  read_integer("max_leaves", 0, 1'000'000, options.max_leaves);
  read_number("learning_rate", kLeast, 1, options.learning_rate);
  read_number("row_share", kLeast, algorithm.most_row_share, options.row_share);
  read_number("columns_per_tree", kLeast, 1, options.columns_per_tree);
  read_number("columns_per_node", kLeast, 1, options.columns_per_node);
  read_number("min_child_weight", 0, 1e9, options.min_child_weight);
  read_number("lambda", 0, 1e9, options.lambda);
  read_number("min_gain", 0, 1e30, options.min_gain);
  read_integer("max_bins", 2, 65'536, options.max_bins);
  if (const auto stopping = node.Find("early_stopping")) {
    options.early_stopping = ReadEarlyStopping(*stopping);
  }
  return options;
}

}  // namespace forkcast::model
