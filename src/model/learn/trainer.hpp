#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "data_preprocessing/base/result.hpp"
#include "data_preprocessing/document/json_node.hpp"
#include "model/predict/scoring_model.hpp"

namespace forkcast::model {

/// What a model answers.
enum class Task {
  kRegression,  ///< One number.
  kBinary,      ///< One number: the probability of class 1.
  kMultiClass,  ///< A number for each class: its probability, or a share.
};

/// "regression", "binary", "multiclass".
[[nodiscard]] std::string_view ToString(Task task) noexcept;

/// What every trainer is told, whatever its algorithm; in a declaration by these names.
struct LearningSetting {
  Task task = Task::kRegression;
  std::size_t classes = 2;  ///< Of kMultiClass alone, at least 2: labels are 0 .. classes - 1.
  std::uint32_t seed = 0;
  unsigned threads = 0;  ///< 0: as many as there are CPUs.

  friend bool operator==(const LearningSetting&, const LearningSetting&) = default;
};

constexpr std::uint32_t kMostSeed = std::numeric_limits<std::int32_t>::max();
constexpr unsigned kMostThreads = 1024;

/// `threads`, or the number of CPUs.
[[nodiscard]] unsigned ThreadsOf(const LearningSetting& setting);

/// The members of a trainer's declaration that are the same for all; others are not looked at.
/// Throws SpecError naming the path.
[[nodiscard]] LearningSetting ReadLearningSetting(const preprocessing::JsonNode& node);

/// Rows to learn from, in the order of time when the last are validation_rows. All views outlive
/// the training.
struct TrainingRows {
  std::span<const std::string> features{};  ///< Names of the columns, unique.
  std::span<const float> values{};    ///< Row-major, n_rows x features.size(); NaN is missing.
  std::span<const double> target{};   ///< n_rows; class labels are 0 .. classes - 1.
  std::span<const double> weights{};  ///< n_rows, or empty: all 1. Not negative.
  /// So many rows at the end are not learned from and tell when to stop. Needed by trainers with a
  /// validation_share(), and only allowed there.
  std::size_t validation_rows = 0;
};

struct TrainingProgress {
  std::size_t round = 0;                     ///< Rounds done.
  std::size_t rounds = 0;                    ///< Rounds at most; both count on through a refit.
  std::optional<double> validation_error{};  ///< Of the last round, with early stopping.
};
/// Called after each round, in the thread that trains; false cancels. Must not train in that
/// thread: a library may draw from one engine a thread.
using OnRound = std::function<bool(const TrainingProgress&)>;

struct FeatureImportance {
  std::string feature;
  double share = 0;  ///< Of what all features together explain, 0..1; all shares sum to 1.

  friend bool operator==(const FeatureImportance&, const FeatureImportance&) = default;
};

/// A file that is published of a model. The same model gives the same bytes; no time, no path, no
/// number of threads is in them.
struct ModelPart {
  std::string_view ending;  ///< Of one of PublishedKinds().
  std::string bytes;
};

/// A model, and what was found on the way.
struct TrainedModel {
  ScoringModel scoring;          ///< What will serve, made of the same bytes.
  std::vector<ModelPart> parts;  ///< Of one kind of PublishedKinds(), all that it has.
  /// Every feature, the most important first.
  std::vector<FeatureImportance> importances;
  std::size_t rounds = 0;                    ///< Those that were kept.
  std::optional<double> validation_error{};  ///< The least, which chose them.
};

/// The library that a trainer learns with, for manifests.
struct TrainingLibrary {
  std::string name;
  std::string version;
};

/// Learns a model from rows, as it was declared. Never changes, thread-safe; one training runs in
/// the thread that calls, and in others that it starts, after which the process must not fork. The
/// same rows, declaration, setting and library give the same model.
class Trainer {
 public:
  virtual ~Trainer() = default;
  /// The share of the training periods, at their end, that the caller holds back as validation rows
  /// (ValidationRowsOf); none: it needs none.
  [[nodiscard]] virtual std::optional<double> validation_share() const noexcept = 0;
  /// None when it learns without.
  [[nodiscard]] virtual std::optional<TrainingLibrary> library() const = 0;
  /// Whether rows may miss values, and categories be numbers in any order.
  [[nodiscard]] virtual bool takes_missing_values() const noexcept { return true; }
  /// Nothing when `on_round` (may be empty) cancelled. kInvalidArgument, before anything is
  /// learned, for: fewer than 2 rows to learn from, a target that is not finite (its first row is
  /// named), a class that is none, rows of one class alone, weights that are negative, or all 0 of
  /// the rows to learn from or of those to validate with, infinite features, spans whose lengths do
  /// not fit, a task that it cannot learn. A constant target is learned: the model answers it.
  [[nodiscard]] virtual Result<std::optional<TrainedModel>> Train(
      const TrainingRows& rows, const LearningSetting& setting, const OnRound& on_round) const = 0;
  /// Columns that it cannot learn without, by their names.
  [[nodiscard]] virtual std::span<const std::string> needs() const noexcept { return {}; }
};

/// What a trainer is made of: `node`, the object that declares it, with the members of
/// ReadLearningSetting() among its own.
struct TrainerDeclaration {
  const preprocessing::JsonNode& node;
  const LearningSetting& setting;  ///< As `node` says.
  /// Whether it will learn many models of few rows each, rather than one of many.
  bool of_few_rows = false;
  /// Whether it will learn classes; which and how many is not known yet.
  bool of_classes = false;
};

/// An algorithm: a file with its Trainer, and a row of a table.
struct TrainerKind {
  std::string_view name;  ///< What "algorithm" says.
  /// Throws SpecError naming the path of an unknown member, a value out of its range, or one that
  /// has no meaning for the algorithm or the task.
  std::unique_ptr<const Trainer> (*make)(const TrainerDeclaration& declaration);
};

/// The trainer that `declaration` names by "algorithm". As TrainerKind::make, and SpecError for a
/// name that none of `kinds` has.
[[nodiscard]] std::unique_ptr<const Trainer> MakeTrainer(std::span<const TrainerKind> kinds,
                                                         const TrainerDeclaration& declaration);

/// So many rows at the end say when to stop, and are not learned from: those that hold the last
/// validation_share() of the distinct times, as ValidationTail(). 0 where a trainer has none.
/// `times`: ascending, one a row.
[[nodiscard]] std::size_t ValidationRowsOf(const Trainer& trainer,
                                           std::span<const std::int64_t> times) noexcept;

/// Rows at the end that hold the last `share` of the distinct periods, at least one of them and
/// never all, so that no period is torn apart. `periods`: that of each row, ascending. 0 for fewer
/// than two periods.
[[nodiscard]] std::size_t ValidationTail(std::span<const std::int64_t> periods,
                                         double share) noexcept;

}  // namespace forkcast::model
