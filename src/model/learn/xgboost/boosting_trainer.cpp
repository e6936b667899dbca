#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "model/learn/xgboost/booster.hpp"
#include "model/learn/xgboost/growing.hpp"
#include "model/learn/xgboost/parameter_text.hpp"
#include "model/learn/xgboost/prepared_rows.hpp"
#include "model/learn/xgboost/tree_algorithm.hpp"

namespace forkcast::model {
namespace {

Result<DataMatrix> MatrixOf(const PreparedRows& examples, unsigned threads) {
  Result<DataMatrix> matrix = DataMatrix::Make(examples.values, examples.columns, threads);
  if (!matrix) return matrix;
  if (Status set = matrix->SetLabels(examples.target); !set) return std::move(set).error();
  if (Status set = matrix->SetWeights(examples.weights); !set) return std::move(set).error();
  return matrix;
}

/// A round towards the least absolute error, by weighted least squares: |e| has for a tangent the
/// parabola e^2 / (2 |e'|) + |e'| / 2 around the error e' so far, so that a row's weight is divided
/// by its error; errors count as at least a twentieth of their mean. The library's own objective
/// makes each leaf the median of its errors, whatever the learning rate, which does not converge:
/// rows move from leaf to leaf by whole medians.
Status BoostAbsoluteError(Booster& booster, const DataMatrix& matrix,
                          const PreparedRows& examples) {
  constexpr double kLeastShare = 0.05;
  const Result<std::span<const float>> answers = booster.Answers(matrix);
  if (!answers) return answers.error();
  double error = 0;
  double weight = 0;
  for (std::size_t i = 0; i < examples.rows(); ++i) {
    error += static_cast<double>(examples.weights[i]) *
             std::abs(static_cast<double>((*answers)[i]) - examples.target[i]);
    weight += examples.weights[i];
  }
  const double least = std::max(kLeastShare * error / weight, 1e-30);
  std::vector<double> curvature(examples.rows());
  double sum = 0;
  for (std::size_t i = 0; i < examples.rows(); ++i) {
    const double one = std::abs(static_cast<double>((*answers)[i]) - examples.target[i]);
    curvature[i] = examples.weights[i] / std::max(one, least);
    sum += curvature[i];
  }
  // On average a row's own weight again, so that min_child_weight keeps its meaning.
  const double factor = weight / sum;
  std::vector<float> gradients(examples.rows());
  std::vector<float> hessians(examples.rows());
  for (std::size_t i = 0; i < examples.rows(); ++i) {
    hessians[i] = static_cast<float>(curvature[i] * factor);
    gradients[i] = hessians[i] * ((*answers)[i] - examples.target[i]);
  }
  return booster.Boost(matrix, gradients, hessians);
}

/// Gradient boosting: Chen & Guestrin 2016.
class BoostingTraining {
 public:
  explicit BoostingTraining(const TreeOptions& options) : options_(options) {}

  [[nodiscard]] Result<std::optional<TrainedModel>> Run(const TrainingRows& rows,
                                                        const OnRound& on_round) const {
    const Result<PreparedRows> examples = Prepare(rows, options_);
    if (!examples) return examples.error();
    TrainingProgress progress{.rounds = options_.trees};
    if (!options_.early_stopping) {
      Result<Grown> grown = Grow(*examples, nullptr, options_.trees, progress, on_round);
      if (!grown) return std::move(grown).error();
      return FinishTraining(std::move(grown->booster), rows, options_, std::nullopt);
    }
    const bool refits = options_.early_stopping->refit;
    if (refits) progress.rounds *= 2;
    const std::size_t learned = examples->rows() - rows.validation_rows;
    const PreparedRows validation = examples->Part(learned, rows.validation_rows);
    Result<Grown> grown =
        Grow(examples->Part(0, learned), &validation, options_.trees, progress, on_round);
    if (!grown) return std::move(grown).error();
    const std::optional<double> error = grown->error;
    if (refits && grown->booster != nullptr) {
      const std::size_t best = grown->rounds;
      grown->booster.reset();
      progress.rounds = progress.round + best;
      grown = Grow(*examples, nullptr, best, progress, on_round);
      if (!grown) return std::move(grown).error();
    }
    return FinishTraining(std::move(grown->booster), rows, options_, error);
  }

 private:
  struct Grown {
    std::unique_ptr<Booster> booster;  ///< None when cancelled.
    std::size_t rounds = 0;
    std::optional<double> error{};  ///< On the validation rows, if any.
  };

  /// So many rounds, or, with `validation`, those up to its least error.
  [[nodiscard]] Result<Grown> Grow(const PreparedRows& examples, const PreparedRows* validation,
                                   std::size_t rounds, TrainingProgress& progress,
                                   const OnRound& on_round) const {
    const unsigned threads = ThreadsOf(options_);
    const Result<DataMatrix> matrix = MatrixOf(examples, threads);
    if (!matrix) return matrix.error();
    std::vector<const DataMatrix*> known{&*matrix};
    std::optional<DataMatrix> validation_matrix;
    if (validation != nullptr) {
      Result<DataMatrix> made = MatrixOf(*validation, threads);
      if (!made) return std::move(made).error();
      validation_matrix = *std::move(made);
      known.push_back(&*validation_matrix);
    }
    Result<std::unique_ptr<Booster>> made = Booster::Make(known);
    if (!made) return std::move(made).error();
    Grown grown{.booster = *std::move(made)};
    if (Status set = SetObjective(*grown.booster, examples); !set) return std::move(set).error();

    for (std::size_t round = 0; round < rounds; ++round) {
      Status updated = options_.objective == Objective::kAbsoluteError
                           ? BoostAbsoluteError(*grown.booster, *matrix, examples)
                           : grown.booster->Update(static_cast<int>(round), *matrix);
      if (!updated) return std::move(updated).error();
      std::optional<double> error;
      if (validation_matrix) {
        const Result<double> judged =
            grown.booster->Evaluate(static_cast<int>(round), *validation_matrix);
        if (!judged) return judged.error();
        error = *judged;
        if (!grown.error || *error < *grown.error) {
          grown.error = error;
          grown.rounds = round + 1;
        }
      }
      if (!ReportRound(progress, on_round, error)) return Grown{};
      if (error && round + 1 - grown.rounds >= options_.early_stopping->rounds) break;
    }
    if (!validation_matrix) grown.rounds = rounds;
    Result<std::unique_ptr<Booster>> best = grown.booster->FirstRounds(grown.rounds);
    if (!best) return std::move(best).error();
    grown.booster = *std::move(best);
    return grown;
  }

  [[nodiscard]] Status SetObjective(Booster& booster, const PreparedRows& examples) const {
    Status set = ConfigureBooster(booster, options_, BaseScore(examples), options_.learning_rate);
    if (set) set = booster.Set("subsample", TextOf(static_cast<float>(options_.row_share)));
    const char* objective = "reg:squarederror";
    const char* metric = "rmse";
    if (options_.task == Task::kBinary) {
      objective = "binary:logistic";
      metric = "logloss";
    } else if (options_.task == Task::kMultiClass) {
      objective = "multi:softprob";
      metric = "mlogloss";
      if (set) set = booster.Set("num_class", TextOf(options_.classes));
    } else if (options_.objective == Objective::kAbsoluteError) {
      metric = "mae";  // BoostAbsoluteError() has the derivatives
    }
    if (set) set = booster.Set("objective", objective);
    if (set) set = booster.Set("eval_metric", metric);
    return set;
  }

  /// The best constant, from which the first trees start.
  [[nodiscard]] double BaseScore(const PreparedRows& examples) const {
    switch (options_.task) {
      case Task::kRegression:
        return options_.objective == Objective::kAbsoluteError ? WeightedMedian(examples)
                                                               : WeightedMean(examples);
      case Task::kBinary:
        return std::clamp(WeightedMean(examples), 1e-6, 1 - 1e-6);  // weights may hide a class
      case Task::kMultiClass:
        break;
    }
    return 0.5;  // the same for all classes, so that it has no effect
  }

  const TreeOptions& options_;
};

TreeOptions BoostingDefaults() {
  TreeOptions options;
  options.algorithm = &kGradientBoosting;
  return options;
}

}  // namespace

const TreeAlgorithm kGradientBoosting{
    .name = "gradient_boosting",
    .defaults = &BoostingDefaults,
    .train = [](const TreeOptions& options, const TrainingRows& rows, const OnRound& on_round) {
      return BoostingTraining(options).Run(rows, on_round);
    }};

}  // namespace forkcast::model
