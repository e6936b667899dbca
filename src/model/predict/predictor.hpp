#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "data_preprocessing/base/result.hpp"
#include "data_preprocessing/features/feature_spec.hpp"
#include "data_preprocessing/table/value.hpp"
#include "model/inputs/feature_table.hpp"
#include "model/inputs/fitted_encoder.hpp"
#include "model/inputs/input_encoder.hpp"
#include "model/inputs/target_transform.hpp"
#include "model/model.hpp"
#include "model/predict/explanation.hpp"
#include "model/predict/scoring_model.hpp"

namespace forkcast::model {

/// What a trained model's scores become when they answer for a number: the output "value".
struct ValueAnswer {
  /// What the model learned in place of the target; none: the target itself.
  std::optional<TargetTransform> target{};
};

/// What they become when they tell classes apart: the output "class", the most likely one (the
/// first among equals), and a probability for each, "probability.NAME". A single score is the
/// probability of the second of two classes; else there is one a class.
struct ClassAnswer {
  std::vector<std::string> classes;  ///< In the order of the scores; two at least.
};

/// What they become when each is a number of its own: the outputs "value.0", "value.1" and so on.
struct ValuesAnswer {
  std::size_t count = 0;
};

using TrainedAnswer = std::variant<ValueAnswer, ClassAnswer, ValuesAnswer>;

/// From a row of a pipeline's features to what it is answered with: a model and what stands before
/// and behind it, which fit each other. What judges in training is what serves. Never changes;
/// thread-safe.
class Predictor {
 public:
  /// A model that names its outputs itself, of a file that is no training's. `features`: the
  /// pipeline's, in the order of a row. kInvalidArgument as InputEncoder::Make().
  static Result<Predictor> Make(std::unique_ptr<const Model> model,
                                std::span<const preprocessing::FeatureSpec> features);
  /// A trained model. kInvalidArgument when it reads other columns than `encoder` makes, or gives
  /// not as many scores as the answer needs.
  static Result<Predictor> Make(ScoringModel scoring, std::shared_ptr<const FittedEncoder> encoder,
                                TrainedAnswer answer);

  /// Floats that the model reads of a row.
  [[nodiscard]] std::size_t input_count() const noexcept { return scoring_.model->inputs().size(); }
  /// Numbers that a row is answered with, in their order.
  [[nodiscard]] std::span<const OutputColumn> outputs() const noexcept { return outputs_; }
  /// Of a trained model, what makes its inputs; else null.
  [[nodiscard]] const FittedEncoder* encoder() const noexcept;
  /// What a model learned in place of its target; null where it learned that itself, or classes.
  [[nodiscard]] const TargetTransform* target() const noexcept;

  /// `features`: one row in the pipeline's order; missing ones are the model's to deal with.
  /// kInvalidArgument with the feature's name for a value that the model cannot take, which is that
  /// row's error alone. Allocates nothing unless it fails.
  /// Precondition: inputs.size() == input_count().
  Status Encode(std::span<const preprocessing::Value> features, std::span<float> inputs) const;
  /// The same of rows of the table that a model was, or could have been, trained on, row-major. As
  /// FittedEncoder::Encode. Precondition: encoder() != nullptr.
  [[nodiscard]] Result<std::vector<float>> Encode(const FeatureTable& table,
                                                  std::span<const std::uint32_t> rows) const {
    return encoder()->Encode(table, rows);
  }

  /// Answers rows. `inputs`: row-major, n_rows x input_count(), as Encode() makes them.
  /// `references`: one a row where there is a target(), and not read elsewhere. `out`: row-major,
  /// n_rows x outputs().size(); a value is NaN where there is none. Allocates nothing.
  /// Precondition: inputs.size() * outputs().size() == out.size() * input_count().
  void Predict(std::span<const float> inputs, std::span<const TargetReference> references,
               std::span<double> out) const noexcept;

  /// Of a trained model whose explainer was published; null: nobody can say what its answers are
  /// made of.
  [[nodiscard]] const Explainer* explainer() const noexcept { return scoring_.explainer.get(); }
  /// Precondition, as of the next: explainer() != nullptr.
  [[nodiscard]] ContributionScale contribution_scale() const;
  /// What the answer `outputs` to the row `inputs` is made of: of a value the model's score, before
  /// it is turned back into the target; of two classes the score of the second; of more that of the
  /// class that is answered. Allocates nothing in the steady state.
  /// Precondition: explanation.contributions has an element for each of the pipeline's features.
  void Explain(std::span<const float> inputs, std::span<const double> outputs,
               Explanation& explanation) const;

 private:
  /// The model's outputs as they are.
  struct OwnAnswer {};
  using Answer = std::variant<OwnAnswer, ValueAnswer, ClassAnswer, ValuesAnswer>;
  using Encoder = std::variant<InputEncoder, std::shared_ptr<const FittedEncoder>>;

  Predictor(ScoringModel scoring, Encoder encoder, Answer answer, std::vector<OutputColumn> outputs)
      : scoring_(std::move(scoring)),
        encoder_(std::move(encoder)),
        answer_(std::move(answer)),
        outputs_(std::move(outputs)) {}
  void PredictClasses(std::span<const float> inputs, std::span<double> out) const noexcept;

  ScoringModel scoring_;
  Encoder encoder_;  // an InputEncoder views the model's inputs
  Answer answer_;
  std::vector<OutputColumn> outputs_;
};

/// What an output says: its number, or the category it stands for, as a view into `column`. NaN is
/// missing.
[[nodiscard]] preprocessing::Value OutputValue(const OutputColumn& column, double output) noexcept;

}  // namespace forkcast::model
