#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "data_preprocessing/base/result.hpp"
#include "data_preprocessing/document/json_node.hpp"
#include "model/learn/xgboost/tree_model.hpp"

namespace forkcast::model {

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

/// Names in a declaration are those of the members, if not said otherwise. The same rows, options
/// and library give the same bytes. `threads` has not been seen to change them, though it changes
/// the order in which the library adds up.
struct TrainerOptions {
  Algorithm algorithm = Algorithm::kGradientBoosting;  ///< "random_forest", "gradient_boosting"
  Task task = Task::kRegression;                       ///< "regression", "binary", "multiclass"
  std::size_t classes = 2;  ///< Of kMultiClass alone, at least 2: labels are 0 .. classes - 1.
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
  std::uint32_t seed = 0;
  unsigned threads = 0;  ///< 0: as many as there are CPUs.

  friend bool operator==(const TrainerOptions&, const TrainerOptions&) = default;
};

/// `threads`, or the number of CPUs.
[[nodiscard]] unsigned ThreadsOf(const TrainerOptions& options);

constexpr std::uint32_t kMostSeed = std::numeric_limits<std::int32_t>::max();
constexpr unsigned kMostThreads = 1024;

/// The options with which a declaration begins.
[[nodiscard]] TrainerOptions DefaultOptions(Algorithm algorithm);

/// Reads {"algorithm": "gradient_boosting", "trees": 500, "early_stopping": {"rounds": 50, "share":
/// 0.1, "refit": true}, ...}; `algorithm` is required. Throws SpecError naming the path of an
/// unknown member, a value out of its range, or one that has no meaning for the algorithm or the
/// task.
[[nodiscard]] TrainerOptions ReadTrainerOptions(const preprocessing::JsonNode& node);

/// Rows to learn from, in the order of time when the last are validation_rows. All views outlive
/// the training.
struct TrainingRows {
  std::span<const std::string> features{};  ///< Names of the columns, unique.
  std::span<const float> values{};    ///< Row-major, n_rows x features.size(); NaN is missing.
  std::span<const double> target{};   ///< n_rows; class labels are 0 .. classes - 1.
  std::span<const double> weights{};  ///< n_rows, or empty: all 1. Not negative.
  /// So many rows at the end are not learned from and tell when to stop. Needed, and only allowed,
  /// with early stopping.
  std::size_t validation_rows = 0;
};

struct TrainingProgress {
  std::size_t round = 0;                     ///< Rounds done.
  std::size_t rounds = 0;                    ///< Rounds at most; both count on through a refit.
  std::optional<double> validation_error{};  ///< Of the last round, with early stopping.
};
/// Called after each round, in the thread that trains; false cancels. Must not train in that
/// thread: the library draws from one engine a thread.
using OnRound = std::function<bool(const TrainingProgress&)>;

/// A model, and what was found on the way.
struct TrainingResult {
  TreeModel model;
  std::optional<double> validation_error{};  ///< The least, which chose model.rounds().
};

/// Learns a model from rows. Stateless, thread-safe; one training runs in the thread that calls,
/// plus the library's OpenMP team, after which the process must not fork.
class Trainer {
 public:
  virtual ~Trainer() = default;
  /// Nothing when `on_round` (may be empty) cancelled. kInvalidArgument, before any tree is grown,
  /// for: fewer than 2 rows to learn from, a target that is not finite (its first row is named), a
  /// class that is none, rows of one class alone, weights that are negative, or all 0 of
  /// the rows to learn from or of those to validate with, infinite features, spans whose lengths do
  /// not fit. A constant target is learned: the model answers it. Memory: 8 bytes a value beside
  /// the rows.
  [[nodiscard]] virtual Result<std::optional<TrainingResult>> Train(
      const TrainingRows& rows, const OnRound& on_round) const = 0;
};

[[nodiscard]] std::unique_ptr<Trainer> MakeTrainer(const TrainerOptions& options);

/// Rows at the end that hold the last `share` of the distinct periods, at least one of them and
/// never all, so that no period is torn apart. `periods`: that of each row, ascending. 0 for fewer
/// than two periods.
[[nodiscard]] std::size_t ValidationTail(std::span<const std::int64_t> periods,
                                         double share) noexcept;

}  // namespace forkcast::model
