#include "model/learn/xgboost/trainer.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <numeric>
#include <random>
#include <string_view>
#include <thread>
#include <utility>

#include "data_preprocessing/base/random.hpp"
#include "model/learn/xgboost/booster.hpp"

namespace forkcast::model {
namespace {

Error Refuse(std::string message, std::string field = {}) {
  return {ErrorCode::kInvalidArgument, std::move(message), std::move(field)};
}

/// The shortest text that reads as the same number.
template <typename T>
std::string TextOf(T number) {
  std::array<char, 32> text{};
  const auto [end, error] = std::to_chars(text.data(), text.data() + text.size(), number);
  return {text.data(), end};
}

/// What is learned from, checked: numbers of the library's types.
struct Examples {
  std::size_t columns = 0;
  std::size_t outputs = 1;  ///< Trees a round.
  std::span<const float> values;
  std::vector<float> target;
  std::vector<float> weights;  ///< Of the objective too: kSquaredRelativeError is a weight.

  [[nodiscard]] std::size_t rows() const noexcept { return target.size(); }
  /// `count` rows from row `first`; the features stay where they are.
  [[nodiscard]] Examples Part(std::size_t first, std::size_t count) const {
    const auto from = static_cast<std::ptrdiff_t>(first);
    const auto to = from + static_cast<std::ptrdiff_t>(count);
    return {columns,
            outputs,
            values.subspan(first * columns, count * columns),
            {target.begin() + from, target.begin() + to},
            {weights.begin() + from, weights.begin() + to}};
  }
};

Status CheckShape(const TrainingRows& rows, const TrainerOptions& options) {
  const std::size_t n = rows.target.size();
  if (rows.features.empty()) return Refuse("no feature to learn from");
  if (rows.values.size() != n * rows.features.size()) {
    return Refuse("expected " + std::to_string(n) + " rows of " +
                  std::to_string(rows.features.size()) + " values, got " +
                  std::to_string(rows.values.size()) + " values");
  }
  if (!rows.weights.empty() && rows.weights.size() != n) {
    return Refuse("expected a weight for each of " + std::to_string(n) + " rows, got " +
                  std::to_string(rows.weights.size()));
  }
  if (options.early_stopping && rows.validation_rows == 0) {
    return Refuse("early stopping needs validation rows, and there are none");
  }
  if (!options.early_stopping && rows.validation_rows > 0) {
    return Refuse("only early stopping has validation rows");
  }
  if (n < rows.validation_rows + 2) {
    return Refuse("too few rows to learn from: at least 2 are needed, and there are " +
                  std::to_string(n - std::min(n, rows.validation_rows)));
  }
  return {};
}

Status CheckTarget(std::span<const double> target) {
  const auto is_bad = [](double y) { return !(std::abs(y) <= std::numeric_limits<float>::max()); };
  const auto first = std::ranges::find_if(target, is_bad);
  if (first == target.end()) return {};
  return Refuse("the target of " + std::to_string(std::ranges::count_if(target, is_bad)) + " of " +
                std::to_string(target.size()) + " rows is not a finite number, first of row " +
                std::to_string(first - target.begin()));
}

/// `learned`: the rows that are not validation rows, at the start.
Status CheckClasses(std::span<const double> target, std::size_t learned,
                    const TrainerOptions& options) {
  const std::size_t classes = options.task == Task::kBinary ? 2 : options.classes;
  for (std::size_t i = 0; i < target.size(); ++i) {
    if (target[i] >= 0 && target[i] < static_cast<double>(classes) &&
        target[i] == std::floor(target[i])) {
      continue;
    }
    return Refuse("expected a class from 0 to " + std::to_string(classes - 1) + ", got " +
                  TextOf(target[i]) + " in row " + std::to_string(i));
  }
  const auto learned_classes = target.first(learned);
  if (std::ranges::count(learned_classes, target.front()) == std::ssize(learned_classes)) {
    return Refuse("all rows to learn from are of class " + TextOf(target.front()));
  }
  return {};
}

Status CheckFeatures(const TrainingRows& rows) {
  const auto found = std::ranges::find_if(rows.values, [](float x) { return std::isinf(x); });
  if (found == rows.values.end()) return {};
  const auto at = static_cast<std::size_t>(found - rows.values.begin());
  return Refuse("infinite in row " + std::to_string(at / rows.features.size()),
                rows.features[at % rows.features.size()]);
}

Result<std::vector<float>> WeightsOf(const TrainingRows& rows, const TrainerOptions& options) {
  std::vector<double> weights(rows.target.size(), 1);
  if (!rows.weights.empty()) weights.assign(rows.weights.begin(), rows.weights.end());
  const auto is_bad = [](double w) { return !(w >= 0 && w <= std::numeric_limits<float>::max()); };
  if (const auto bad = std::ranges::find_if(weights, is_bad); bad != weights.end()) {
    return Refuse("the weight of row " + std::to_string(bad - weights.begin()) +
                  " is negative or not finite");
  }
  const auto validation = std::span(weights).last(rows.validation_rows);
  if (!validation.empty() && std::ranges::count(validation, 0) == std::ssize(validation)) {
    return Refuse("the weights of all validation rows are 0: every model would be without error");
  }
  if (options.task == Task::kRegression && options.objective == Objective::kSquaredRelativeError) {
    // ((y - f) / y)^2 = (y - f)^2 / y^2. On average 1 again, so that min_child_weight keeps its
    // meaning.
    double sum = 0;
    for (std::size_t i = 0; i < weights.size(); ++i) {
      const double y = rows.target[i];
      weights[i] = y == 0 ? 0 : weights[i] / (y * y);
      sum += weights[i];
    }
    if (!(sum > 0)) return Refuse("no row has both a weight and a target other than 0");
    if (!std::isfinite(sum)) return Refuse("the target comes too close to 0 for relative errors");
    for (double& weight : weights) weight *= static_cast<double>(weights.size()) / sum;
  }
  const auto learned = std::span(weights).first(weights.size() - rows.validation_rows);
  if (std::ranges::count(learned, 0) == std::ssize(learned)) {
    return Refuse("the weights of all rows to learn from are 0");
  }
  return std::vector<float>(weights.begin(), weights.end());
}

Result<Examples> Prepare(const TrainingRows& rows, const TrainerOptions& options) {
  if (Status ok = CheckShape(rows, options); !ok) return std::move(ok).error();
  const std::size_t learned = rows.target.size() - rows.validation_rows;
  if (Status ok = CheckTarget(rows.target); !ok) return std::move(ok).error();
  if (options.task != Task::kRegression) {
    Status ok = CheckClasses(rows.target, learned, options);
    if (!ok) return std::move(ok).error();
  }
  if (Status ok = CheckFeatures(rows); !ok) return std::move(ok).error();
  Result<std::vector<float>> weights = WeightsOf(rows, options);
  if (!weights) return std::move(weights).error();
  return Examples{.columns = rows.features.size(),
                  .outputs = options.task == Task::kMultiClass ? options.classes : 1,
                  .values = rows.values,
                  .target = {rows.target.begin(), rows.target.end()},
                  .weights = *std::move(weights)};
}

double WeightedMean(const Examples& examples) {
  double sum = 0;
  double weight = 0;
  for (std::size_t i = 0; i < examples.rows(); ++i) {
    sum += static_cast<double>(examples.weights[i]) * examples.target[i];
    weight += examples.weights[i];
  }
  return sum / weight;
}

double WeightedMedian(const Examples& examples) {
  std::vector<std::size_t> order(examples.rows());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::sort(order, {}, [&](std::size_t row) { return examples.target[row]; });
  const double half = std::accumulate(examples.weights.begin(), examples.weights.end(), 0.0) / 2;
  double below = 0;
  for (const std::size_t row : order) {
    below += examples.weights[row];
    if (below >= half) return examples.target[row];
  }
  return examples.target[order.back()];
}

/// What both algorithms tell the library.
Status Configure(Booster& booster, const TrainerOptions& options, double base_score,
                 double learning_rate) {
  const std::initializer_list<std::pair<const char*, std::string>> parameters{
      {"tree_method", "hist"},
      {"nthread", TextOf(ThreadsOf(options))},
      {"seed", TextOf(options.seed)},
      {"base_score", TextOf(static_cast<float>(base_score))},
      {"learning_rate", TextOf(static_cast<float>(learning_rate))},
      {"max_depth", TextOf(options.max_depth)},
      {"max_leaves", TextOf(options.max_leaves)},
      {"grow_policy", options.max_leaves > 0 ? "lossguide" : "depthwise"},
      {"colsample_bytree", TextOf(static_cast<float>(options.columns_per_tree))},
      {"colsample_bynode", TextOf(static_cast<float>(options.columns_per_node))},
      {"min_child_weight", TextOf(static_cast<float>(options.min_child_weight))},
      {"lambda", TextOf(static_cast<float>(options.lambda))},
      {"gamma", TextOf(static_cast<float>(options.min_gain))},
      {"max_bin", TextOf(options.max_bins)},
  };
  for (const auto& [name, value] : parameters) {
    if (Status set = booster.Set(name, value); !set) return set;
  }
  return {};
}

Result<DataMatrix> MatrixOf(const Examples& examples, unsigned threads) {
  Result<DataMatrix> matrix = DataMatrix::Make(examples.values, examples.columns, threads);
  if (!matrix) return matrix;
  if (Status set = matrix->SetLabels(examples.target); !set) return std::move(set).error();
  if (Status set = matrix->SetWeights(examples.weights); !set) return std::move(set).error();
  return matrix;
}

/// Nothing when cancelled, which is no booster.
Result<std::optional<TrainingResult>> Finish(std::unique_ptr<Booster> booster,
                                             const TrainingRows& rows,
                                             const TrainerOptions& options,
                                             std::optional<double> validation_error) {
  if (booster == nullptr) return std::optional<TrainingResult>();
  Status described =
      booster->Describe(rows.features, ToString(options.algorithm), ToString(options.task));
  if (!described) return std::move(described).error();
  Result<TreeModel> model = TreeModel::Make(std::move(booster));
  if (!model) return std::move(model).error();
  return std::optional(
      TrainingResult{.model = *std::move(model), .validation_error = validation_error});
}

/// One more round is done. False when cancelled.
bool Report(TrainingProgress& progress, const OnRound& on_round,
            std::optional<double> validation_error = {}) {
  ++progress.round;
  progress.validation_error = validation_error;
  return !on_round || on_round(progress);
}

/// A round towards the least absolute error, by weighted least squares: |e| has for a tangent the
/// parabola e^2 / (2 |e'|) + |e'| / 2 around the error e' so far, so that a row's weight is divided
/// by its error; errors count as at least a twentieth of their mean. The library's own objective
/// makes each leaf the median of its errors, whatever the learning rate, which does not converge:
/// rows move from leaf to leaf by whole medians.
Status BoostAbsoluteError(Booster& booster, const DataMatrix& matrix, const Examples& examples) {
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
class BoostingTrainer final : public Trainer {
 public:
  explicit BoostingTrainer(const TrainerOptions& options) : options_(options) {}

  Result<std::optional<TrainingResult>> Train(const TrainingRows& rows,
                                              const OnRound& on_round) const override {
    const Result<Examples> examples = Prepare(rows, options_);
    if (!examples) return examples.error();
    TrainingProgress progress{.rounds = options_.trees};
    if (!options_.early_stopping) {
      Result<Grown> grown = Grow(*examples, nullptr, options_.trees, progress, on_round);
      if (!grown) return std::move(grown).error();
      return Finish(std::move(grown->booster), rows, options_, std::nullopt);
    }
    const bool refits = options_.early_stopping->refit;
    if (refits) progress.rounds *= 2;
    const std::size_t learned = examples->rows() - rows.validation_rows;
    const Examples validation = examples->Part(learned, rows.validation_rows);
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
    return Finish(std::move(grown->booster), rows, options_, error);
  }

 private:
  struct Grown {
    std::unique_ptr<Booster> booster;  ///< None when cancelled.
    std::size_t rounds = 0;
    std::optional<double> error{};  ///< On the validation rows, if any.
  };

  /// So many rounds, or, with `validation`, those up to its least error.
  [[nodiscard]] Result<Grown> Grow(const Examples& examples, const Examples* validation,
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
      if (!Report(progress, on_round, error)) return Grown{};
      if (error && round + 1 - grown.rounds >= options_.early_stopping->rounds) break;
    }
    if (!validation_matrix) grown.rounds = rounds;
    Result<std::unique_ptr<Booster>> best = grown.booster->FirstRounds(grown.rounds);
    if (!best) return std::move(best).error();
    grown.booster = *std::move(best);
    return grown;
  }

  [[nodiscard]] Status SetObjective(Booster& booster, const Examples& examples) const {
    Status set = Configure(booster, options_, BaseScore(examples), options_.learning_rate);
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
  [[nodiscard]] double BaseScore(const Examples& examples) const {
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

  TrainerOptions options_;
};

/// Random forest: Breiman 2001, with bootstrap samples drawn as counts. The library's own forest
/// grows all trees in one call, which can neither tell how far it is nor be cancelled, and draws
/// without replacement. Here each round grows one tree (a class) from derivatives of the squared
/// error of a constant, which ignore the trees before: leaves are means, divided by the number of
/// trees. A class is learned as a number, 1 in its rows and 0 elsewhere, so that leaves are its
/// share.
class ForestTrainer final : public Trainer {
 public:
  explicit ForestTrainer(const TrainerOptions& options) : options_(options) {}

  Result<std::optional<TrainingResult>> Train(const TrainingRows& rows,
                                              const OnRound& on_round) const override {
    const Result<Examples> examples = Prepare(rows, options_);
    if (!examples) return examples.error();
    Result<DataMatrix> matrix =
        DataMatrix::Make(examples->values, examples->columns, ThreadsOf(options_));
    if (!matrix) return std::move(matrix).error();
    const std::vector<float> labels = LabelsOf(*examples);
    if (Status set = matrix->SetLabels(labels); !set) return std::move(set).error();
    const std::vector<const DataMatrix*> known{&*matrix};
    Result<std::unique_ptr<Booster>> made = Booster::Make(known);
    if (!made) return std::move(made).error();
    std::unique_ptr<Booster> booster = *std::move(made);
    // Sums of shares that start at 0 never fall below it, as rounding errors of a mean would.
    const auto base =
        static_cast<float>(options_.task == Task::kRegression ? WeightedMean(*examples) : 0);
    Status set = Configure(*booster, options_, base, 1.0 / static_cast<double>(options_.trees));
    if (set) set = booster->Set("objective", "reg:squarederror");
    if (!set) return std::move(set).error();

    std::mt19937_64 engine(options_.seed);
    std::vector<float> gradients(labels.size());
    std::vector<float> hessians(labels.size());
    TrainingProgress progress{.rounds = options_.trees};
    for (std::size_t tree = 0; tree < options_.trees; ++tree) {
      const std::vector<float> weights = DrawSample(*examples, engine);
      for (std::size_t i = 0; i < labels.size(); ++i) {
        hessians[i] = weights[i / examples->outputs];
        gradients[i] = hessians[i] * (base - labels[i]);
      }
      Status grown = booster->Boost(*matrix, gradients, hessians);
      if (!grown) return std::move(grown).error();
      if (!Report(progress, on_round)) return std::optional<TrainingResult>();
    }
    Result<std::unique_ptr<Booster>> trees = booster->FirstRounds(options_.trees);
    if (!trees) return std::move(trees).error();
    return Finish(*std::move(trees), rows, options_, std::nullopt);
  }

 private:
  /// Row-major, a number for each output.
  static std::vector<float> LabelsOf(const Examples& examples) {
    if (examples.outputs == 1) return examples.target;
    std::vector<float> labels(examples.rows() * examples.outputs);
    for (std::size_t i = 0; i < examples.rows(); ++i) {
      labels[i * examples.outputs + static_cast<std::size_t>(examples.target[i])] = 1;
    }
    return labels;
  }

  /// How often each row was drawn, times its weight.
  [[nodiscard]] std::vector<float> DrawSample(const Examples& examples,
                                              std::mt19937_64& engine) const {
    const auto draws = static_cast<std::size_t>(
        std::max(1.0, std::round(options_.row_share * static_cast<double>(examples.rows()))));
    std::vector<float> weights(examples.rows());
    for (std::size_t i = 0; i < draws; ++i) ++weights[DrawBelow(engine, weights.size())];
    for (std::size_t i = 0; i < weights.size(); ++i) weights[i] *= examples.weights[i];
    return weights;
  }

  TrainerOptions options_;
};

}  // namespace

unsigned ThreadsOf(const TrainerOptions& options) {
  return options.threads > 0 ? options.threads : std::max(1U, std::thread::hardware_concurrency());
}

std::unique_ptr<Trainer> MakeTrainer(const TrainerOptions& options) {
  if (options.algorithm == Algorithm::kRandomForest) {
    return std::make_unique<ForestTrainer>(options);
  }
  return std::make_unique<BoostingTrainer>(options);
}

std::size_t ValidationTail(std::span<const std::int64_t> periods, double share) noexcept {
  std::size_t distinct = 0;
  for (std::size_t i = 0; i < periods.size(); ++i) {
    if (i == 0 || periods[i] != periods[i - 1]) ++distinct;
  }
  if (distinct < 2) return 0;
  const auto wanted = static_cast<std::size_t>(std::round(share * static_cast<double>(distinct)));
  std::size_t left = std::clamp<std::size_t>(wanted, 1, distinct - 1);
  std::size_t first = periods.size();
  while (first > 0) {
    const bool is_next_period = first < periods.size() && periods[first - 1] != periods[first];
    if (is_next_period && --left == 0) break;
    --first;
  }
  return periods.size() - first;
}

}  // namespace forkcast::model
