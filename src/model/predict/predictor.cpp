#include "model/predict/predictor.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <string_view>

namespace forkcast::model {
namespace {

using preprocessing::FeatureSpec;
using preprocessing::Value;

/// "value"; or "class" and the probability of each.
std::vector<OutputColumn> OutputsOf(const ValueAnswer& /*answer*/) {
  return {{.name = "value", .type = OutputType::kNumber, .categories = {}}};
}
std::vector<OutputColumn> OutputsOf(const ClassAnswer& answer) {
  std::vector<OutputColumn> outputs{
      {.name = "class", .type = OutputType::kCategory, .categories = answer.classes}};
  for (const std::string& name : answer.classes) {
    outputs.push_back(
        {.name = "probability." + name, .type = OutputType::kNumber, .categories = {}});
  }
  return outputs;
}

std::vector<OutputColumn> OutputsOf(const ValuesAnswer& answer) {
  std::vector<OutputColumn> outputs;
  for (std::size_t i = 0; i < answer.count; ++i) {
    outputs.push_back(
        {.name = fmt::format("value.{}", i), .type = OutputType::kNumber, .categories = {}});
  }
  return outputs;
}

Status CheckInputs(const Model& model, const FittedTransforms& transforms) {
  if (std::ranges::equal(model.inputs(), transforms.outputs(), {}, &InputColumn::name)) return {};
  return Error{ErrorCode::kInvalidArgument,
               "the columns that its transforms make are not those that it reads"};
}

Status CheckScores(const Model& model, std::size_t scores) {
  if (model.outputs().size() == scores) return {};
  return Error{ErrorCode::kInvalidArgument, fmt::format("expected a model that answers {} number{}",
                                                        scores, scores == 1 ? "" : "s")};
}

/// What explains must be about the same rows and scores.
Status CheckExplainer(const ScoringModel& scoring) {
  if (scoring.explainer == nullptr) return {};
  const bool fits = scoring.explainer->input_count() == scoring.model->inputs().size() &&
                    scoring.explainer->margin_count() == scoring.model->outputs().size();
  if (fits) return {};
  return Error{ErrorCode::kInvalidArgument, "what explains it is of another model"};
}

std::size_t ScoresFor(const ValueAnswer& /*answer*/) noexcept { return 1; }
std::size_t ScoresFor(const ClassAnswer& answer) noexcept {
  return answer.classes.size() == 2 ? 1 : answer.classes.size();
}

std::size_t ScoresFor(const ValuesAnswer& answer) noexcept { return answer.count; }

/// Scores of a row become probabilities of all classes. `probabilities` may begin where `scores`
/// do, or before.
void ToProbabilities(std::span<const double> scores, bool are_shares,
                     std::span<double> probabilities) noexcept {
  if (scores.size() == 1) {
    // A forest's sum may be 1 + 1e-7.
    const double second = std::clamp(scores.front(), 0.0, 1.0);
    probabilities[0] = 1 - second;
    probabilities[1] = second;
    return;
  }
  for (std::size_t i = 0; i < scores.size(); ++i) probabilities[i] = scores[i];
  if (!are_shares) return;
  const double sum = std::accumulate(probabilities.begin(), probabilities.end(), 0.0);
  // Where all shares are 0 the model knows nothing, and every class is as likely.
  const double even = 1 / static_cast<double>(probabilities.size());
  for (double& one : probabilities) {
    one /= sum;
    if (std::isnan(one)) one = even;
  }
}

}  // namespace

Result<Predictor> Predictor::Make(std::unique_ptr<const Model> model,
                                  std::span<const FeatureSpec> features) {
  Result<InputEncoder> encoder = InputEncoder::Make(model->inputs(), features);
  if (!encoder) return std::move(encoder).error();
  std::vector<OutputColumn> outputs(model->outputs().begin(), model->outputs().end());
  return Predictor({.model = std::move(model)}, *std::move(encoder), OwnAnswer{},
                   std::move(outputs));
}

Result<Predictor> Predictor::Make(ScoringModel scoring,
                                  std::shared_ptr<const FittedEncoder> encoder,
                                  TrainedAnswer answer) {
  if (Status fits = CheckInputs(*scoring.model, encoder->transforms()); !fits) {
    return std::move(fits).error();
  }
  if (Status fits = CheckExplainer(scoring); !fits) return std::move(fits).error();
  return std::visit(
      [&](auto& one) -> Result<Predictor> {
        if (Status fits = CheckScores(*scoring.model, ScoresFor(one)); !fits) {
          return std::move(fits).error();
        }
        std::vector<OutputColumn> outputs = OutputsOf(one);
        return Predictor(std::move(scoring), std::move(encoder), std::move(one),
                         std::move(outputs));
      },
      answer);
}

const FittedEncoder* Predictor::encoder() const noexcept {
  const auto* const fitted = std::get_if<std::shared_ptr<const FittedEncoder>>(&encoder_);
  return fitted == nullptr ? nullptr : fitted->get();
}

const TargetTransform* Predictor::target() const noexcept {
  const auto* const value = std::get_if<ValueAnswer>(&answer_);
  return value != nullptr && value->target ? &*value->target : nullptr;
}

Status Predictor::Encode(std::span<const Value> features, std::span<float> inputs) const {
  if (const auto* const plain = std::get_if<InputEncoder>(&encoder_)) {
    plain->Encode(features, inputs);
    return {};
  }
  return encoder()->Encode(features, inputs);
}

void Predictor::Predict(std::span<const float> inputs, std::span<const TargetReference> references,
                        std::span<double> out) const noexcept {
  if (std::holds_alternative<ClassAnswer>(answer_)) {
    PredictClasses(inputs, out);
    return;
  }
  scoring_.model->Predict(inputs, out);
  const TargetTransform* const transform = target();
  if (transform == nullptr) return;
  for (std::size_t row = 0; row < out.size(); ++row) {
    out[row] = transform->Invert(out[row], references[row]);
  }
}

/// The scores of all rows are put at the end of `out`, so that no memory is needed beside it: row
/// by row they are read before, or where, the row's answer is written. With n rows of s scores and
/// w > s outputs, row i is written up to (i + 1) w, and the next is read from n (w - s) + (i + 1) s
/// on, which is not less.
void Predictor::PredictClasses(std::span<const float> inputs,
                               std::span<double> out) const noexcept {
  const std::size_t width = outputs_.size();
  const std::size_t rows = out.size() / width;
  const std::size_t scores = scoring_.model->outputs().size();
  const std::span<double> all_scores = out.last(rows * scores);
  scoring_.model->Predict(inputs, all_scores);
  for (std::size_t row = 0; row < rows; ++row) {
    const std::span<double> of_row = out.subspan(row * width, width);
    const std::span<double> probabilities = of_row.subspan(1);
    ToProbabilities(all_scores.subspan(row * scores, scores), scoring_.are_shares, probabilities);
    of_row.front() =
        static_cast<double>(std::ranges::max_element(probabilities) - probabilities.begin());
  }
}

ContributionScale Predictor::contribution_scale() const {
  switch (explainer()->scale()) {
    case MarginScale::kLogOdds:
      return {.name = "log_odds", .is_logarithmic = true};
    case MarginScale::kLog:
      return {.name = "log", .is_logarithmic = true};
    case MarginScale::kRaw:
      return {.name = "raw", .is_logarithmic = true};
    case MarginScale::kOutput:
      break;
  }
  if (std::holds_alternative<ClassAnswer>(answer_)) return {.name = "share"};
  const std::string steps = target() == nullptr ? std::string() : target()->StepsText();
  if (steps.empty()) return {.name = std::string(kValueScale)};
  return {.name = steps, .is_logarithmic = target()->log1p};
}

void Predictor::Explain(std::span<const float> inputs, std::span<const double> outputs,
                        Explanation& explanation) const {
  const Explainer& explains = *explainer();
  std::size_t margin = 0;
  explanation.of = {};
  if (const auto* const answer = std::get_if<ClassAnswer>(&answer_)) {
    const bool is_binary = explains.margin_count() == 1;
    const std::size_t of = is_binary ? 1 : static_cast<std::size_t>(outputs.front());
    if (!is_binary) margin = of;
    explanation.of = answer->classes[of];
  }
  explanation.by_input.resize(inputs.size());
  explains.Explain(inputs, margin, explanation.scratch, explanation.by_input);
  explanation.base = explains.base(margin);
  explanation.score = explanation.base;
  std::ranges::fill(explanation.contributions, 0.0);
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    explanation.score += explanation.by_input[i];
    explanation.contributions[encoder()->FeatureOf(i)] += explanation.by_input[i];
  }
}

Value OutputValue(const OutputColumn& column, double output) noexcept {
  if (std::isnan(output)) return {};
  if (column.type == OutputType::kNumber) return output;
  return std::string_view(column.categories[static_cast<std::size_t>(output)]);
}

}  // namespace forkcast::model
