#pragma once

#include <cstddef>
#include <optional>

#include "model/learn/trainer.hpp"

namespace forkcast::model {

struct TreeAlgorithm;

/// What boosting makes small, of regression; classification has its own (log loss). A forest's
/// leaves are means: it makes the squared error small, or the squared relative one.
enum class Objective {
  kSquaredError,
  kAbsoluteError,         ///< Weighted least squares, the weights anew each round.
  kSquaredRelativeError,  ///< ((y - f) / y)^2, as RMSPE counts; rows with y = 0 are not learned
                          ///< from.
};

/// When boosting ends before its last round. Judged on the validation rows, which are not learned
/// from; their error is that of the objective.
struct EarlyStopping {
  std::size_t rounds =
      50;  ///< Ends after so many rounds without a smaller error; the best is kept.
  /// Share of the training periods, at their end, that the caller holds back (see ValidationTail).
  double share = 0.1;
  /// Trains anew on all rows, validation rows included, with as many rounds as were best.
  bool refit = false;

  friend bool operator==(const EarlyStopping&, const EarlyStopping&) = default;
};

/// How trees are grown. Names in a declaration are those of the members, if not said otherwise.
/// `threads` has not been seen to change a model, though it changes the order in which the library
/// adds up.
struct TreeOptions : LearningSetting {
  const TreeAlgorithm* algorithm = nullptr;
  /// "squared_error", "absolute_error", "squared_relative_error"
  Objective objective = Objective::kSquaredError;
  std::size_t trees = 100;     ///< Rounds; for kMultiClass a round is a tree a class.
  unsigned max_depth = 6;      ///< 0: no limit (default of a forest)
  unsigned max_leaves = 0;     ///< 0: no limit; else the best leaf is split first.
  double learning_rate = 0.1;  ///< Of boosting alone.
  /// Rows a tree sees. Boosting: this share, drawn without replacement; a forest: so many times the
  /// rows, drawn with replacement (1: the bootstrap).
  double row_share = 1;
  double columns_per_tree = 1;  ///< Share of the columns that a tree may split by;
  double columns_per_node = 1;  ///< and of those, anew for each node (default of a forest: 0.4).
  double min_child_weight = 1;  ///< Least rows of a leaf, times weights (default of a forest: 5).
  double lambda = 1;            ///< L2 regularisation of leaves (default of a forest: 0).
  double min_gain = 0;          ///< Least gain of a split.
  unsigned max_bins = 256;      ///< Values a column is cut into for finding splits, 2..65536.
  std::optional<EarlyStopping> early_stopping{};  ///< Of boosting alone.

  friend bool operator==(const TreeOptions&, const TreeOptions&) = default;
};

/// Reads {"algorithm": "gradient_boosting", "trees": 500, "early_stopping": {"rounds": 50, "share":
/// 0.1, "refit": true}, ...} of `algorithm`. Throws SpecError naming the path of an unknown member,
/// a value out of its range, or one that has no meaning for the algorithm or the task.
[[nodiscard]] TreeOptions ReadTreeOptions(const TrainerDeclaration& declaration,
                                          const TreeAlgorithm& algorithm);

}  // namespace forkcast::model
