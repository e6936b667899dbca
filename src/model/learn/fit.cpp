#include "model/learn/fit.hpp"

#include <memory>
#include <utility>

namespace forkcast::model {

Result<std::optional<TrainedPredictor>> FitModel(const Trainer& trainer,
                                                 const LearningSetting& setting,
                                                 const ModelInputs& inputs, const RowsToFit& rows,
                                                 TrainedAnswer answer, const OnRound& on_round) {
  // The validation rows say when to stop, so nothing else may have seen them.
  Result<FittedTransforms> fitted = FittedTransforms::Fit(
      rows.features, rows.encoded, rows.rows.first(rows.rows.size() - rows.validation_rows),
      inputs.transforms);
  if (!fitted) return fitted.error();
  auto encoder = std::make_shared<const FittedEncoder>(*std::move(fitted), inputs.features);
  const Result<std::vector<float>> values = encoder->Encode(rows.features, rows.rows);
  if (!values) return values.error();
  Result<std::optional<TrainedModel>> trained =
      trainer.Train({.features = encoder->transforms().outputs(),
                     .values = *values,
                     .target = rows.target,
                     .weights = rows.weights,
                     .validation_rows = rows.validation_rows},
                    setting, on_round);
  if (!trained) return trained.error();
  if (!*trained) return std::optional<TrainedPredictor>();
  TrainedModel& model = **trained;
  Result<Predictor> predictor =
      Predictor::Make(std::move(model.scoring), std::move(encoder), std::move(answer));
  if (!predictor) return std::move(predictor).error();
  return std::optional(TrainedPredictor{
      .predictor = *std::move(predictor),
      .parts = {.published = std::move(model.parts), .importances = std::move(model.importances)}});
}

}  // namespace forkcast::model
