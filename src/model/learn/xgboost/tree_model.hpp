#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "data_preprocessing/base/result.hpp"

namespace forkcast::model {

/// What a model answers.
enum class Task {
  kRegression,  ///< One number.
  kBinary,      ///< One number: the probability of class 1.
  kMultiClass,  ///< A probability for each class.
};

enum class Algorithm { kRandomForest, kGradientBoosting };

/// "regression", "binary", "multiclass".
[[nodiscard]] std::string_view ToString(Task task) noexcept;
[[nodiscard]] std::optional<Task> TaskFromString(std::string_view name) noexcept;
/// "random_forest", "gradient_boosting".
[[nodiscard]] std::string_view ToString(Algorithm algorithm) noexcept;
[[nodiscard]] std::optional<Algorithm> AlgorithmFromString(std::string_view name) noexcept;

struct FeatureImportance {
  std::string feature;
  double share = 0;  ///< Of the loss that all splits took away, 0..1; all shares sum to 1.

  friend bool operator==(const FeatureImportance&, const FeatureImportance&) = default;
};

/// How the bytes of a model are written; both are XGBoost's own and hold the same, with every float
/// exact.
enum class ModelFormat { kJson, kUbj };

/// "1.7.4".
[[nodiscard]] std::string XGBoostLibraryVersion();

class Booster;

/// Trees as the trainer's library holds them, for judging in training and for export; workers score
/// with their own engine. Every call but the accessors may start OpenMP threads, after which the
/// process must not fork. Thread-safe once made.
class TreeModel {
 public:
  /// From what Save() wrote; `threads` as in TrainerOptions, for Predict(). kCorrupt when the
  /// library cannot read it, or it is no model of ours.
  static Result<TreeModel> Load(std::string_view bytes, unsigned threads = 1);
  /// Of trees that are trained and labelled (Booster::Describe).
  static Result<TreeModel> Make(std::unique_ptr<Booster> booster);

  TreeModel(TreeModel&&) noexcept;
  TreeModel& operator=(TreeModel&&) noexcept;
  ~TreeModel();

  [[nodiscard]] Task task() const noexcept { return task_; }
  /// Numbers a row is answered with: 1, or the number of classes for kMultiClass.
  [[nodiscard]] std::size_t output_count() const noexcept { return outputs_; }
  /// Columns of a row, in their order.
  [[nodiscard]] const std::vector<std::string>& features() const noexcept { return features_; }
  /// Rounds kept: trees, or trees a class for kMultiClass.
  [[nodiscard]] std::size_t rounds() const noexcept { return rounds_; }

  /// Scores of each row, row-major n_rows x output_count(). `rows`: row-major, features().size()
  /// columns in the order of features(), NaN is missing. kInvalidArgument for a length that is no
  /// multiple of the columns.
  [[nodiscard]] Result<std::vector<double>> Predict(std::span<const float> rows) const;

  /// The same bytes for the same model; no time, no path, no number of threads in them.
  /// A forest's objective is reg:squarederror, since its scores are means of its leaves (for
  /// kMultiClass with num_target = classes: shares that Predict() divides by their sum). The
  /// attributes forkcast_algorithm and forkcast_task say what it is.
  [[nodiscard]] Result<std::string> Save(ModelFormat format) const;

  /// Every feature, the most important first (then in the order of features()).
  [[nodiscard]] Result<std::vector<FeatureImportance>> Importances() const;

 private:
  explicit TreeModel(std::unique_ptr<Booster> booster);

  std::unique_ptr<Booster> booster_;
  Task task_ = Task::kRegression;
  bool divides_by_sum_ = false;
  std::size_t outputs_ = 1;
  std::size_t rounds_ = 0;
  std::vector<std::string> features_;
};

}  // namespace forkcast::model
