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

/// "1.7.4".
[[nodiscard]] std::string XGBoostLibraryVersion();

/// Owners of XGBoost's handles; the only place that calls its C interface. Everything here but
/// XGBoostLibraryVersion() may start OpenMP threads.

/// Rows as XGBoost takes them in: a copy, 8 bytes a value that is not missing.
class DataMatrix {
 public:
  /// `values`: row-major, `columns` a row; NaN is missing.
  static Result<DataMatrix> Make(std::span<const float> values, std::size_t columns,
                                 unsigned threads);

  [[nodiscard]] std::size_t row_count() const noexcept { return rows_; }
  /// `labels`: row-major, one or more a row: so many numbers does a model answer.
  Status SetLabels(std::span<const float> labels);
  Status SetWeights(std::span<const float> weights);

 private:
  friend class Booster;
  struct Free {
    void operator()(void* handle) const noexcept;
  };
  std::unique_ptr<void, Free> handle_;
  std::size_t rows_ = 0;
};

/// Trees and how to grow more of them.
class Booster {
 public:
  /// Grows trees for the labels of `data`, which must outlive the growing. The two rules of the 1.7
  /// line that this hides: a number of outputs is read from matrices known from the start, and
  /// messages go to a log of the thread unless the thread is told to be silent.
  static Result<std::unique_ptr<Booster>> Make(std::span<const DataMatrix* const> data);
  static Result<std::unique_ptr<Booster>> Load(std::string_view bytes, unsigned threads);

  Status Set(const char* parameter, const std::string& value);
  /// One round by the objective.
  Status Update(int round, const DataMatrix& data);
  /// One round by derivatives of the loss, a pair for each row and output.
  Status Boost(const DataMatrix& data, std::span<float> gradients, std::span<float> hessians);
  /// What the trees so far answer for `data`, one of those that Make() was given: only the newest
  /// are asked, the sums of the others are kept. Lives until the next call.
  Result<std::span<const float>> Answers(const DataMatrix& data);
  /// The value of "eval_metric" on `data`.
  Result<double> Evaluate(int round, const DataMatrix& data);
  /// The first `rounds` rounds, without what growing more would need: a booster that has grown
  /// keeps the histograms of its last tree, up to 4 MB for 15 columns of 256 bins, as long as it
  /// lives.
  Result<std::unique_ptr<Booster>> FirstRounds(std::size_t rounds) const;

  /// Writes into the model what its reader must know beside the trees.
  Status Describe(std::span<const std::string> features, std::string_view algorithm,
                  std::string_view task);
  /// As Describe() wrote them.
  [[nodiscard]] Result<std::vector<std::string>> Features() const;
  [[nodiscard]] Result<std::size_t> RoundCount() const;
  struct Scores {
    std::vector<double> values;  ///< Row-major.
    std::size_t columns = 1;
  };
  [[nodiscard]] Result<Scores> Predict(std::span<const float> values, std::size_t columns) const;
  /// `format`: "json" or "ubj".
  [[nodiscard]] Result<std::string> Save(std::string_view format) const;
  struct Gain {
    std::string feature;
    double total = 0;
  };
  /// Of the features that a tree splits by.
  [[nodiscard]] Result<std::vector<Gain>> TotalGains() const;

 private:
  struct Free {
    void operator()(void* handle) const noexcept;
  };
  explicit Booster(void* handle) : handle_(handle) {}

  std::unique_ptr<void, Free> handle_;
};

}  // namespace forkcast::model
