#pragma once

#include <cstddef>
#include <memory>
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

/// "regression", "binary", "multiclass".
[[nodiscard]] std::string_view ToString(Task task) noexcept;

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

/// Trees as the trainer's library holds them, for judging in training and for export; workers score
/// with their own engine. Every call but the accessors may start OpenMP threads, after which the
/// process must not fork. Thread-safe once made.
class TreeModel {
 public:
  /// From what Save() wrote. kCorrupt when the library cannot read it.
  static Result<TreeModel> Load(std::string_view bytes);

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
  /// columns in the order of features(), NaN is missing. kInvalidArgument for infinite values or a
  /// length that is no multiple of the columns. `threads` as in TrainerOptions.
  [[nodiscard]] Result<std::vector<double>> Predict(std::span<const float> rows,
                                                    unsigned threads = 1) const;

  /// The same bytes for the same model, whatever the number of threads; no time, no path in them.
  /// A forest's objective is reg:squarederror, since its scores are means of its leaves (for
  /// kMultiClass with num_target = classes: shares that Predict() divides by their sum); the task
  /// is in the attribute "forkcast_task".
  [[nodiscard]] Result<std::string> Save(ModelFormat format) const;

  /// Every feature, the most important first (then by name).
  [[nodiscard]] Result<std::vector<FeatureImportance>> Importances() const;

 private:
  friend class Booster;
  struct Handle;
  explicit TreeModel(std::unique_ptr<Handle> handle);
  static Result<TreeModel> FromHandle(std::unique_ptr<Handle> handle);

  std::unique_ptr<Handle> handle_;
  Task task_ = Task::kRegression;
  std::size_t outputs_ = 1;
  std::size_t rounds_ = 0;
  std::vector<std::string> features_;
};

}  // namespace forkcast::model
