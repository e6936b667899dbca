#include <algorithm>
#include <array>
#include <limits>
#include <thread>
#include <utility>

#include "model/learn/xgboost/trainer.hpp"
#include "model/learn/xgboost/trainer_kinds.hpp"

namespace forkcast::model {

using preprocessing::JsonNode;

namespace {

constexpr std::array<std::pair<Objective, std::string_view>, 3> kObjectives{
    {{Objective::kSquaredError, "squared_error"},
     {Objective::kAbsoluteError, "absolute_error"},
     {Objective::kSquaredRelativeError, "squared_relative_error"}}};
constexpr double kLeast = 1e-6;  // of what must be greater than 0

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

/// "random_forest or gradient_boosting".
std::string NamesOfKinds() {
  std::string names;
  for (const TrainerKind& kind : TrainerKinds()) {
    names += (names.empty() ? "" : " or ") + std::string(kind.name);
  }
  return names;
}

void RefuseWhatHasNoMeaning(const JsonNode& node, const TrainerOptions& options) {
  const auto refuse = [&node](const char* key, const char* why) {
    if (const auto member = node.Find(key)) member->Fail(why);
  };
  const TrainerKind& kind = KindOf(options.algorithm);
  for (const RefusedMember& member : kind.refused) refuse(member.name, member.why);
  if (kind.no_absolute_error != nullptr && options.objective == Objective::kAbsoluteError) {
    refuse("objective", kind.no_absolute_error);
  }
  if (options.task != Task::kRegression) refuse("objective", "only a regression has one");
  if (options.task != Task::kMultiClass) refuse("classes", "only \"task\": \"multiclass\" has it");
}

}  // namespace

TrainerOptions ReadTrainerOptions(const JsonNode& node) {
  node.RequireObject({"algorithm", "task", "classes", "objective", "trees", "max_depth",
                      "max_leaves", "learning_rate", "row_share", "columns_per_tree",
                      "columns_per_node", "min_child_weight", "lambda", "min_gain", "max_bins",
                      "early_stopping", "seed", "threads"});
  const JsonNode algorithm = node.Get("algorithm");
  const auto known_algorithm = AlgorithmFromString(algorithm.String());
  if (!known_algorithm) algorithm.Fail("expected " + NamesOfKinds());
  TrainerOptions options = DefaultOptions(*known_algorithm);
  if (const auto task = node.Find("task")) {
    const auto known = TaskFromString(task->String());
    if (!known) task->Fail("expected regression, binary or multiclass");
    options.task = *known;
  }
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
  read_integer("classes", 2, 10'000, options.classes);
  read_integer("trees", 1, 1'000'000, options.trees);
  read_integer("max_depth", 0, 1'000, options.max_depth);
  read_integer("max_leaves", 0, 1'000'000, options.max_leaves);
  read_number("learning_rate", kLeast, 1, options.learning_rate);
  read_number("row_share", kLeast, KindOf(options.algorithm).most_row_share, options.row_share);
  read_number("columns_per_tree", kLeast, 1, options.columns_per_tree);
  read_number("columns_per_node", kLeast, 1, options.columns_per_node);
  read_number("min_child_weight", 0, 1e9, options.min_child_weight);
  read_number("lambda", 0, 1e9, options.lambda);
  read_number("min_gain", 0, 1e30, options.min_gain);
  read_integer("max_bins", 2, 65'536, options.max_bins);
  read_integer("seed", 0, kMostSeed, options.seed);
  read_integer("threads", 0, kMostThreads, options.threads);
  if (const auto stopping = node.Find("early_stopping")) {
    options.early_stopping = ReadEarlyStopping(*stopping);
  }
  return options;
}

}  // namespace forkcast::model
