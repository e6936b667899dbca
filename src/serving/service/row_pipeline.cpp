#include "serving/service/row_pipeline.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <span>
#include <string>

#include "model/predict/model_kinds.hpp"
#include "serving/service/explained_features.hpp"
#include "serving/service/row_features.hpp"

namespace forkcast::serving {

using model::OutputColumn;
using model::Predictor;
using preprocessing::ColumnType;
using preprocessing::PipelineSpec;
using preprocessing::Value;

namespace {

wire::PredictedPart::Form FormOf(const model::PredictedPart& part) noexcept {
  switch (part.form) {
    case model::PredictedPart::Form::kValue:
      return wire::PredictedPart::Form::kValue;
    case model::PredictedPart::Form::kList:
      return wire::PredictedPart::Form::kList;
    case model::PredictedPart::Form::kMap:
      return wire::PredictedPart::Form::kMap;
  }
  return wire::PredictedPart::Form::kValue;
}

/// Finds what the form tells among the answer's fields. kInvalidArgument naming what is not there.
Result<std::vector<wire::PredictedPart>> PlanPredictions(const model::PredictionForm& form,
                                                         const AnswerPlan& answer) {
  std::vector<wire::PredictedPart> planned;
  for (const model::PredictedPart& part : form) {
    wire::PredictedPart& one = planned.emplace_back();
    one.name = part.name;
    one.form = FormOf(part);
    one.keys = part.keys;
    one.is_integer = part.is_integer;
    for (const std::string& output : part.outputs) {
      const auto field = std::ranges::find(answer.schema.fields, output);
      if (field == answer.schema.fields.end()) {
        return Error{ErrorCode::kInvalidArgument,
                     fmt::format("predictions: the answer has no \"{}\"", output)};
      }
      one.fields.push_back(static_cast<std::size_t>(field - answer.schema.fields.begin()));
    }
  }
  return planned;
}

}  // namespace

/// One line a row.
class RowPipeline::RowScorer final : public Scorer {
 public:
  explicit RowScorer(const RowPipeline& pipeline)
      : pipeline_(pipeline),
        predictor_(*pipeline.predictor_),
        inputs_a_row_(predictor_.input_count()),
        rows_(pipeline) {}

  void Start(const ScoringTask& task, Scores& scores) override {
    rows_.Start(task, scores);
    inputs_.clear();
    inputs_.reserve(task.decoded.row_numbers.size() * inputs_a_row_);
    wanted_ = task.wanted;
    explain_ = task.explain;
    scores_ = &scores;
    next_line_ = 0;
  }

  std::size_t ComputeFeatures(std::size_t lines) override {
    return rows_.Compute(lines,
                         [this](std::span<const Value> features) { return Encode(features); });
  }

  Result<Progress> Predict(std::size_t lines) override {
    const std::span<const OutputColumn> columns = predictor_.outputs();
    const std::size_t rows = std::min(lines, scores_->rows.size() - next_line_);
    numbers_.resize(rows * columns.size());
    predictor_.Predict(std::span(inputs_).subspan(next_line_ * inputs_a_row_, rows * inputs_a_row_),
                       {}, numbers_);
    auto number = numbers_.begin();
    for (std::size_t row = 0; row < rows; ++row) {
      for (const OutputColumn& column : columns) {
        scores_->outputs.push_back(model::OutputValue(column, *number++));
      }
      if (explain_) Explain(next_line_ + row, std::span(numbers_).subspan(row * columns.size()));
    }
    next_line_ += rows;
    return next_line_ < scores_->rows.size() ? Progress::kMore : Progress::kDone;
  }

 private:
  Status Encode(std::span<const Value> features) {
    inputs_.resize(inputs_.size() + inputs_a_row_);
    if (wanted_ != Wanted::kOutputs) return {};
    Status encoded = predictor_.Encode(features, std::span(inputs_).last(inputs_a_row_));
    if (!encoded) inputs_.resize(inputs_.size() - inputs_a_row_);
    return encoded;
  }

  /// `outputs`: begins with the line's.
  void Explain(std::size_t line, std::span<const double> outputs) {
    const std::size_t width = rows_.width();
    if (!explained_)
      explained_.emplace(pipeline_.spec().features, pipeline_.groups_,
                         predictor_.contribution_scale());
    explanation_.contributions.resize(width);
    predictor_.Explain(std::span(inputs_).subspan(line * inputs_a_row_, inputs_a_row_), outputs,
                       explanation_);
    explained_->Append({.base = explanation_.base,
                        .score = explanation_.score,
                        .contributions = explanation_.contributions,
                        .of = explanation_.of},
                       std::span(scores_->features).subspan(line * width, width), *explain_,
                       scores_->members.emplace_back("\"explanation\":"));
  }

  const RowPipeline& pipeline_;
  const Predictor& predictor_;
  const std::size_t inputs_a_row_;
  RowFeatures rows_;
  std::vector<float> inputs_;    // lines x the floats that the model reads
  std::vector<double> numbers_;  // of one call, lines x the model's outputs
  std::optional<ExplainedFeatures> explained_;
  model::Explanation explanation_;
  // Of the request at hand.
  Wanted wanted_ = Wanted::kOutputs;
  std::optional<std::size_t> explain_;
  Scores* scores_ = nullptr;
  std::size_t next_line_ = 0;
};

Result<std::shared_ptr<const ServedPipeline>> RowPipeline::Load(
    const std::filesystem::path& pipeline, const std::filesystem::path& folder,
    preprocessing::SnapshotPool& pool) {
  const auto in_file = [&pipeline](ErrorCode code, const std::string& message) {
    return Error{code, pipeline.string() + ": " + message};
  };
  Result<PipelineSpec> spec = preprocessing::LoadPipelineSpec(pipeline);
  if (!spec) return std::move(spec).error();
  if (!spec->serving || spec->serving->model.empty()) {
    const std::string key =
        spec->serving ? "$.serving: missing key \"model\"" : "$: missing key \"serving\"";
    return in_file(ErrorCode::kInvalidArgument,
                   key + ": nothing to serve; what is trained is served by --deploy MODEL");
  }
  Result<model::LoadedModel> loaded = model::LoadModel(spec->serving->model);
  if (!loaded) return in_file(loaded.error().code, loaded.error().message);
  Result<Predictor> predictor = Predictor::Make(std::move(loaded->model), spec->features);
  if (!predictor) return in_file(predictor.error().code, predictor.error().message);
  auto made = Make({.spec = *std::move(spec),
                    .model_name = std::move(loaded->name),
                    .model_version = std::move(loaded->version),
                    .predictor = std::make_shared<const Predictor>(*std::move(predictor))},
                   folder, pool);
  if (!made && made.error().code == ErrorCode::kInvalidArgument) {
    return in_file(made.error().code, made.error().message);
  }
  return made;
}

Result<std::shared_ptr<const ServedPipeline>> RowPipeline::Make(Parts parts,
                                                                const std::filesystem::path& folder,
                                                                preprocessing::SnapshotPool& pool) {
  const model::PredictionForm form = std::move(parts.prediction_form);
  const std::shared_ptr<RowPipeline> made(new RowPipeline(std::move(parts)));
  std::vector<AnswerOutput> outputs;
  for (const OutputColumn& column : made->predictor_->outputs()) {
    const bool is_text = column.type == model::OutputType::kCategory;
    outputs.push_back(
        {.name = column.name, .type = is_text ? ColumnType::kText : ColumnType::kDouble});
  }
  Result<AnswerPlan> answer = PlanAnswer(made->spec(), outputs);
  if (!answer) return std::move(answer).error();
  auto predictions = PlanPredictions(form, *answer);
  if (!predictions) return std::move(predictions).error();
  answer->schema.predictions = *std::move(predictions);
  made->answer_ = *std::move(answer);
  auto snapshots = pool.Open(made->spec(), folder);
  if (!snapshots) return std::move(snapshots).error();
  made->snapshots_ = *std::move(snapshots);
  return std::shared_ptr<const ServedPipeline>(made);
}

RowPipeline::RowPipeline(const RowPipeline& lender, std::vector<preprocessing::Snapshot> snapshots)
    : ServedPipeline(lender.spec(), lender.model_name(), lender.model_version()),
      predictor_(lender.predictor_),
      groups_(lender.groups_),
      snapshots_(std::move(snapshots)) {
  fields_ = lender.fields_;
  answer_ = lender.answer_;
  drift_reference_ = lender.drift_reference_;
  alias_moves_ = lender.alias_moves_;
}

Status RowPipeline::CheckExplains() const {
  if (predictor_->encoder() == nullptr) {
    return Error{ErrorCode::kInvalidArgument,
                 fmt::format("the model of \"{}\" was not trained here: nobody counted which rows "
                             "went which way, so its answers cannot be explained. What is trained "
                             "and served by --deploy MODEL can",
                             spec().name),
                 "explain"};
  }
  return predictor_->explainer() != nullptr ? Status() : NotExplained();
}

Result<std::shared_ptr<const ServedPipeline>> RowPipeline::Over(
    const std::filesystem::path& folder, preprocessing::SnapshotPool& pool) const {
  auto snapshots = pool.Open(spec(), folder);
  if (!snapshots) return std::move(snapshots).error();
  return std::shared_ptr<const ServedPipeline>(new RowPipeline(*this, *std::move(snapshots)));
}

std::unique_ptr<Scorer> RowPipeline::MakeScorer() const {
  return std::make_unique<RowScorer>(*this);
}

}  // namespace forkcast::serving
