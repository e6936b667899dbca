#include "model/learn/linear/linear_trainers.hpp"

#include <fmt/format.h>

#include <Eigen/Core>
#include <algorithm>
#include <cmath>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "model/learn/check_rows.hpp"
#include "model/learn/linear/feature_choice.hpp"
#include "model/learn/linear/solvers.hpp"
#include "model/predict/published_kinds.hpp"

namespace forkcast::model {
namespace {

LinearLink LinkOf(const LearningSetting& setting) {
  switch (setting.task) {
    case Task::kRegression:
      return LinearLink::kIdentity;
    case Task::kBinary:
      return LinearLink::kSigmoid;
    case Task::kMultiClass:
      break;
  }
  return LinearLink::kSoftmax;
}

/// How far each feature moves the outputs: |coefficient| times the deviation of its term; what a
/// product moves is parted among its factors.
std::vector<FeatureImportance> ImportancesOf(const LinearSource& source, const Design& design) {
  const Eigen::VectorXd deviations = design.ComputeMoments().deviations;
  std::vector<double> totals(source.features.size());
  for (std::size_t term = 0; term < design.terms().size(); ++term) {
    double moved = 0;
    for (const LinearOutput& output : source.outputs) {
      moved += std::abs(output.coefficients[term]) * deviations[static_cast<Eigen::Index>(term)];
    }
    const std::span<const std::uint32_t> factors = design.terms().factors(term);
    for (const std::uint32_t factor : factors) {
      totals[source.inputs[factor].feature] += moved / static_cast<double>(factors.size());
    }
  }
  double sum = 0;
  for (const double total : totals) sum += total;
  std::vector<FeatureImportance> importances;
  for (std::size_t i = 0; i < totals.size(); ++i) {
    importances.push_back({source.features[i], sum > 0 ? totals[i] / sum : 0});
  }
  std::ranges::stable_sort(importances, std::ranges::greater{}, &FeatureImportance::share);
  return importances;
}

class LinearTrainer final : public Trainer {
 public:
  explicit LinearTrainer(const LinearOptions& options) : options_(options) {}

  [[nodiscard]] std::optional<double> validation_share() const noexcept override {
    return std::nullopt;
  }
  [[nodiscard]] std::optional<TrainingLibrary> library() const override {
    return TrainingLibrary{"eigen", fmt::format("{}.{}.{}", EIGEN_WORLD_VERSION,
                                                EIGEN_MAJOR_VERSION, EIGEN_MINOR_VERSION)};
  }
  [[nodiscard]] bool takes_missing_values() const noexcept override { return false; }
  [[nodiscard]] Result<std::optional<TrainedModel>> Train(const TrainingRows& rows,
                                                          const LearningSetting& setting,
                                                          const OnRound& on_round) const override {
    if (Status checked = CheckRows(rows, setting, false); !checked) {
      return std::move(checked).error();
    }
    const bool of_classes = setting.task != Task::kRegression;
    if (of_classes != (options_.algorithm == LinearAlgorithm::kLogistic)) {
      return Error{ErrorCode::kInvalidArgument, "logistic learns classes, the others a number"};
    }
    Result<std::vector<LinearInput>> inputs = ChooseInputs(rows, options_, of_classes);
    if (!inputs) return std::move(inputs).error();
    if (Status fits = CheckSize(rows, inputs->size()); !fits) return std::move(fits).error();
    LinearSource source{.algorithm = std::string(ToString(options_.algorithm)),
                        .link = LinkOf(setting),
                        .features = {rows.features.begin(), rows.features.end()},
                        .is_scaled = options_.is_scaled,
                        .inputs = *std::move(inputs),
                        .polynomial = options_.polynomial,
                        .outputs = {}};
    const Design design(rows, source);
    Solution solved = Solve(design, source, setting, on_round);
    if (!solved) return std::move(solved).error();
    if (!*solved) return std::optional<TrainedModel>();
    source.outputs = std::move((*solved)->outputs);
    std::vector<FeatureImportance> importances = ImportancesOf(source, design);
    return Finish(std::move(source), std::move(importances), (*solved)->rounds);
  }

 private:
  /// That there is memory for the terms: those of all rows or, of more rows than terms, of as many
  /// as there are terms.
  [[nodiscard]] Status CheckSize(const TrainingRows& rows, std::size_t inputs) const {
    constexpr std::size_t kMostNumbers = 250'000'000;  // 2 GB
    const std::size_t terms = CountTerms(inputs, options_.polynomial);
    if (terms <= kMostTerms && std::min(rows.target.size(), terms) <= kMostNumbers / terms) {
      return {};
    }
    return Error{ErrorCode::kInvalidArgument,
                 fmt::format("products of up to {} of {} features are too many terms for {} rows: "
                             "choose fewer features (\"k_best\") or a lower degree",
                             options_.polynomial.degree, inputs, rows.target.size())};
  }

  [[nodiscard]] Solution Solve(const Design& design, const LinearSource& source,
                               const LearningSetting& setting, const OnRound& on_round) const {
    switch (options_.algorithm) {
      case LinearAlgorithm::kRidge:
        return SolveRidge(design, source, options_, on_round);
      case LinearAlgorithm::kLasso:
      case LinearAlgorithm::kElasticNet:
        return SolveElasticNet(design, options_, on_round);
      case LinearAlgorithm::kLogistic:
        break;
    }
    return SolveLogistic(design, setting.task == Task::kBinary ? 2 : setting.classes, options_,
                         on_round);
  }

  [[nodiscard]] static Result<std::optional<TrainedModel>> Finish(
      LinearSource source, std::vector<FeatureImportance> importances, std::size_t rounds) {
    const auto is_finite = [](const LinearOutput& output) {
      return std::isfinite(output.intercept) &&
             std::ranges::all_of(output.coefficients,
                                 [](double one) { return std::isfinite(one); });
    };
    if (!std::ranges::all_of(source.outputs, is_finite)) {
      return Error{
          ErrorCode::kInvalidArgument,
          "the coefficients are beyond what a double holds: scale the features (\"scale\": "
          "\"standard\"), or take a lower degree"};
    }
    LinearModel model(std::move(source));
    std::string bytes = model.Write();
    TrainedModel trained{.scoring = ScoringOf(std::move(model)),
                         .parts = {},
                         .importances = std::move(importances),
                         .rounds = rounds};
    trained.parts.push_back({kLinearEnding, std::move(bytes)});
    return std::optional(std::move(trained));
  }

  LinearOptions options_;
};

std::unique_ptr<const Trainer> Make(const TrainerDeclaration& declaration,
                                    LinearAlgorithm algorithm) {
  return MakeLinearTrainer(ReadLinearOptions(declaration, algorithm));
}

}  // namespace

std::unique_ptr<const Trainer> MakeLinearTrainer(const LinearOptions& options) {
  return std::make_unique<LinearTrainer>(options);
}

std::unique_ptr<const Trainer> MakeRidge(const TrainerDeclaration& declaration) {
  return Make(declaration, LinearAlgorithm::kRidge);
}
std::unique_ptr<const Trainer> MakeLasso(const TrainerDeclaration& declaration) {
  return Make(declaration, LinearAlgorithm::kLasso);
}
std::unique_ptr<const Trainer> MakeElasticNet(const TrainerDeclaration& declaration) {
  return Make(declaration, LinearAlgorithm::kElasticNet);
}
std::unique_ptr<const Trainer> MakeLogistic(const TrainerDeclaration& declaration) {
  return Make(declaration, LinearAlgorithm::kLogistic);
}

}  // namespace forkcast::model
