#include "model/learn/fit.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

namespace forkcast::model {
namespace {

/// Probabilities of both classes from that of the second.
std::vector<double> BothClasses(std::span<const double> scores) {
  std::vector<double> both;
  both.reserve(2 * scores.size());
  for (const double score : scores) {
    const double probability = std::clamp(score, 0.0, 1.0);  // a forest's sum may be 1 + 1e-7
    both.push_back(1 - probability);
    both.push_back(probability);
  }
  return both;
}

}  // namespace

Result<std::vector<double>> Fit::Predict(std::span<const float> matrix,
                                         std::span<const TargetReference> references) const {
  Result<std::vector<double>> scores = trees.Predict(matrix);
  if (!scores) return scores;
  switch (trees.task()) {
    case Task::kRegression:
      for (std::size_t i = 0; target && i < scores->size(); ++i) {
        (*scores)[i] = target->Invert((*scores)[i], references[i]);
      }
      break;
    case Task::kBinary:
      return BothClasses(*scores);
    case Task::kMultiClass:
      // A forest's shares of a row may all be 0, and their quotients NaN: then it knows nothing.
      std::ranges::replace_if(
          *scores, [](double share) { return std::isnan(share); },
          1 / static_cast<double>(trees.output_count()));
      break;
  }
  return scores;
}

std::size_t ValidationRowsOf(const TrainerOptions& options,
                             std::span<const std::int64_t> times) noexcept {
  return options.early_stopping ? ValidationTail(times, options.early_stopping->share) : 0;
}

Result<std::optional<Fit>> FitModel(const TrainerOptions& options,
                                    std::span<const TransformSpec> transforms,
                                    const RowsToFit& rows, const OnRound& on_round) {
  // The validation rows say when to stop, so nothing else may have seen them.
  Result<FittedTransforms> fitted =
      FittedTransforms::Fit(rows.features, rows.encoded,
                            rows.rows.first(rows.rows.size() - rows.validation_rows), transforms);
  if (!fitted) return fitted.error();
  const Result<std::vector<float>> values = fitted->Transform(rows.features, rows.rows);
  if (!values) return values.error();
  Result<std::optional<TrainingResult>> trained =
      MakeTrainer(options)->Train({.features = fitted->outputs(),
                                   .values = *values,
                                   .target = rows.target,
                                   .weights = rows.weights,
                                   .validation_rows = rows.validation_rows},
                                  on_round);
  if (!trained) return trained.error();
  if (!*trained) return std::optional<Fit>();
  return std::optional(Fit{.transforms = *std::move(fitted),
                           .target = std::nullopt,
                           .trees = std::move((*trained)->model)});
}

}  // namespace forkcast::model
