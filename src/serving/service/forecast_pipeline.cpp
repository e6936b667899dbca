#include "serving/service/forecast_pipeline.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "data_preprocessing/document/json_node.hpp"
#include "model/forecast/forecast_version.hpp"
#include "serving/service/explained_features.hpp"
#include "serving/service/remote_scoring.hpp"
#include "serving/service/version_kinds.hpp"
#include "serving/wire/answer_writer.hpp"

namespace forkcast::serving {

using model::ForecastAnswer;
using model::Forecaster;
using model::ForecastQuestion;
using model::ForecastSession;
using model::ForecastVersion;
using model::PredictionInterval;
using model::StepForecast;
using preprocessing::Column;
using preprocessing::ColumnSpec;
using preprocessing::ColumnType;
using preprocessing::JsonNode;
using preprocessing::PeriodIndex;
using preprocessing::Value;

namespace {

constexpr const char* kOrigin = "origin";
constexpr const char* kAssume = "assume";
constexpr std::size_t kValueOutput = 3;  // among the outputs, as AddLine() has them

std::optional<Instant> TimeIn(const Column& column, std::size_t row) {
  return column.IsMissing(row) ? std::nullopt : std::optional(column.Timestamp(row));
}

Result<model::ColdStartRule> ColdStartOf(const Deployment& deployment) {
  if (deployment.cold_start.empty()) return model::ColdStartRule();
  try {
    const nlohmann::ordered_json json = preprocessing::ParseJson(deployment.cold_start);
    return model::ReadColdStart(JsonNode(json, "cold_start"));
  } catch (const preprocessing::SpecError& error) {
    return Error{ErrorCode::kInvalidArgument, error.what()};
  }
}

Value Number(double number) { return std::isnan(number) ? Value() : Value(number); }

/// What stands in the place of a model that runs elsewhere until that has answered.
class StandIn final : public model::Model {
 public:
  [[nodiscard]] std::span<const model::InputColumn> inputs() const noexcept override { return {}; }
  [[nodiscard]] std::span<const model::OutputColumn> outputs() const noexcept override {
    return outputs_;
  }
  void Predict(std::span<const float> /*rows*/, std::span<double> out) const noexcept override {
    std::ranges::fill(out, 0);
  }

 private:
  std::vector<model::OutputColumn> outputs_{{.name = "value", .categories = {}}};
};

Result<std::shared_ptr<const model::ForecastModel>> MakeStandIn(
    const preprocessing::PipelineSpec& spec) {
  Result<model::Predictor> predictor =
      model::Predictor::Make(std::make_unique<StandIn>(), spec.features);
  if (!predictor) return std::move(predictor).error();
  model::ForecastModel::Predictors predictors(1);
  predictors.front().emplace_back(*std::move(predictor));
  return std::make_shared<const model::ForecastModel>(model::ModelScope::kGlobal,
                                                      model::ModelKeys(), std::move(predictors));
}

/// What of a pipeline's training concerns one whose model is trained and runs elsewhere.
Result<model::TrainingPlan> PlanElsewhere(const std::filesystem::path& pipeline,
                                          const preprocessing::PipelineSpec& spec) {
  model::TrainingPlan plan;
  try {
    const nlohmann::ordered_json document = preprocessing::ReadJsonFile(pipeline);
    if (!document.contains("training")) return plan;
    model::TrainingPlan declared = model::ReadTrainingPlan(JsonNode(document), spec, {});
    plan.output = declared.output;
    plan.ended_after = declared.ended_after;
    return plan;
  } catch (const preprocessing::SpecError& error) {
    return Error{ErrorCode::kInvalidArgument, error.what()};
  }
}

Status CheckElsewhere(const preprocessing::PipelineSpec& spec, const RemotePlan& plan) {
  const std::vector<RemoteOutput>& outputs = plan.spec.outputs;
  if (outputs.size() != 1 || outputs.front().type != RemoteOutput::Type::kNumber) {
    return Error{ErrorCode::kInvalidArgument,
                 "a forecast's model that runs elsewhere has one output, a number: expected one in "
                 "\"outputs\""};
  }
  if (spec.forecast->horizon == 1) return {};
  return Error{
      ErrorCode::kInvalidArgument,
      fmt::format("$.forecast.horizon: {}: a model that runs elsewhere forecasts one step: "
                  "expected 1",
                  spec.forecast->horizon)};
}

}  // namespace

/// A line a step. A recursive forecast's features hang on the forecasts before them, so features
/// and values of a row come at once.
class ForecastPipeline::ForecastScorer final : public Scorer {
 public:
  explicit ForecastScorer(const ForecastPipeline& pipeline)
      : pipeline_(pipeline), session_(*pipeline.forecaster_) {
    if (pipeline.remote() != nullptr) remote_.emplace(*pipeline.remote());
  }

  void Start(const ScoringTask& task, Scores& scores) override {
    scores.Clear();
    decoded_ = &task.decoded;
    received_ = task.received;
    known_by_ = task.known_by;
    explain_ = task.explain;
    scores_ = &scores;
    next_ = 0;
    supposes_anything_ = pipeline_.SupposesAnything(task.decoded);
    if (remote_) remote_->Start(task);
    asked_.clear();
    asked_lines_.clear();
  }

  std::size_t ComputeFeatures(std::size_t lines) override {
    const std::size_t rows = decoded_->row_numbers.size();
    const std::size_t enough = scores_->rows.size() + lines;
    // A row that has errors instead of lines costs, too.
    for (std::size_t tried = 0; next_ < rows && tried < lines && scores_->rows.size() < enough;
         ++tried) {
      ScoreRow(next_++);
    }
    return rows - next_;
  }

  Result<Progress> Predict(std::size_t /*lines*/) override {
    if (!remote_) return Progress::kDone;
    Result<Progress> asked = remote_->Ask(asked_);
    if (asked && *asked == Progress::kDone) TakeRemoteValues();
    return asked;
  }

  void GiveUp() noexcept override {
    if (remote_) remote_->GiveUp();
  }

 private:
  void ScoreRow(std::size_t row) {
    Status scored = Ask(row);
    if (!scored) {
      scores_->errors.push_back(
          {.row = decoded_->row_numbers[row], .error = std::move(scored).error()});
      return;
    }
    if (remote_ && !AskLater(row)) return;
    const std::size_t levels = pipeline_.forecaster_->levels().size();
    for (std::size_t i = 0; i < answer_.steps.size(); ++i) {
      AddLine(row, answer_.steps[i], std::span(answer_.intervals).subspan(i * levels, levels));
    }
    scores_->features.insert(scores_->features.end(), answer_.features.begin(),
                             answer_.features.end());
    if (explain_ || supposes_anything_) AddMembers();
  }

  /// Notes the features of the row's steps for the model elsewhere; those that a baseline answers
  /// are answered. False: it is the row's error.
  bool AskLater(std::size_t row) {
    const std::size_t width = pipeline_.spec().features.size();
    if (Status good = CheckForRemote(answer_.features, *pipeline_.remote()); !good) {
      scores_->errors.push_back(
          {.row = decoded_->row_numbers[row], .error = std::move(good).error()});
      return false;
    }
    for (std::size_t i = 0; i < answer_.steps.size(); ++i) {
      if (answer_.steps[i].cold_start) continue;
      const auto features = std::span(answer_.features).subspan(i * width, width);
      asked_.insert(asked_.end(), features.begin(), features.end());
      asked_lines_.push_back(scores_->rows.size() + i);
    }
    return true;
  }

  /// In the place of what stood in for them.
  void TakeRemoteValues() {
    const std::size_t width = pipeline_.answer().outputs.size();
    const model::OutputRule& rule = pipeline_.forecaster_->plan().output;
    for (std::size_t i = 0; i < asked_lines_.size(); ++i) {
      const Value& given = remote_->scores().outputs[i];
      const auto* const number = std::get_if<double>(&given);
      scores_->outputs[asked_lines_[i] * width + kValueOutput] =
          number != nullptr ? Number(rule.Apply(*number)) : Value();
    }
  }

  Status Ask(std::size_t row) {
    const Columns& columns = pipeline_.columns_;
    const preprocessing::Table& rows = decoded_->rows;
    ForecastQuestion question{.rows = rows,
                              .row = row,
                              .now = received_,
                              .known_by = known_by_,
                              .from = TimeIn(rows.column(columns.from), row),
                              .to = TimeIn(rows.column(columns.to), row),
                              .explain = explain_.has_value()};
    if (columns.origin) {
      question.origin = TimeIn(rows.column(*columns.origin), row);
      if (question.origin && !rows.column(columns.time).IsMissing(row)) {
        return Error{ErrorCode::kInvalidArgument,
                     fmt::format("\"{}\" means the same: one of both is enough",
                                 pipeline_.spec().request.time),
                     kOrigin};
      }
    }
    const Column& steps = rows.column(columns.steps);
    if (!steps.IsMissing(row)) question.steps = steps.Int64(row);
    Status answered = Answer(question);
    if (answered || !question.origin) return answered;
    Error error = std::move(answered).error();
    // By the name that the caller gave it.
    if (error.code == ErrorCode::kInvalidArgument && error.field == pipeline_.spec().request.time) {
      error.field = kOrigin;
    }
    return error;
  }

  /// The plans' forecast, and, where the row supposes something, the one that follows from that.
  Status Answer(ForecastQuestion& question) {
    supposes_ = false;
    Status answered = session_.Forecast(question, answer_);
    const auto field = pipeline_.assume_field();
    if (!answered || !field || question.rows.column(*field).IsMissing(question.row)) {
      return answered;
    }
    auto assumptions =
        pipeline_.forecaster_->assumable().Read(question.rows.column(*field).Text(question.row));
    if (!assumptions) return std::move(assumptions).error();
    assumptions_ = *std::move(assumptions);
    question.assumptions = assumptions_;
    supposes_ = true;
    return session_.Forecast(question, assumed_);
  }

  /// Outputs in the order of PlanAnswers().
  void AddLine(std::size_t row, const StepForecast& step,
               std::span<const PredictionInterval> intervals) {
    scores_->rows.push_back(row);
    scores_->row_numbers.push_back(decoded_->row_numbers[row]);
    scores_->stale.push_back(answer_.stale);
    const std::array<Value, 6> outputs{
        std::string_view(OriginText(step.origin())), static_cast<std::int64_t>(step.step),
        std::string_view(PeriodText(step.period)),   step.value,
        step.cold_start ? Value(true) : Value(),     Number(step.actual)};
    scores_->outputs.insert(scores_->outputs.end(), outputs.begin(), outputs.end());
    for (const auto& [lower, upper] : intervals) {
      scores_->outputs.insert(scores_->outputs.end(), {Number(lower), Number(upper)});
    }
  }

  /// What the lines of the row at hand say beside their outputs.
  void AddMembers() {
    for (std::size_t i = 0; i < answer_.steps.size(); ++i) {
      std::string& members = scores_->members.emplace_back();
      if (supposes_) AppendAssumed(i, members);
      if (!explain_) continue;
      Explain("explanation", answer_, i, members);
      if (supposes_) Explain("assumed_explanation", assumed_, i, members);
    }
  }

  void AppendAssumed(std::size_t step, std::string& members) {
    const auto append = [&members](std::string_view name, double value) {
      AppendName(name, members);
      wire::AppendJsonValue(Number(value), members);
    };
    append("assumed", assumed_.steps[step].value);
    append("change", assumed_.steps[step].value - answer_.steps[step].value);
    const std::span<const double> levels = pipeline_.forecaster_->levels();
    for (std::size_t i = 0; i < levels.size(); ++i) {
      const auto& [lower, upper] = assumed_.intervals[step * levels.size() + i];
      append("assumed_" + model::LowerName(levels[i]), lower);
      append("assumed_" + model::UpperName(levels[i]), upper);
    }
  }

  void Explain(std::string_view name, const ForecastAnswer& answer, std::size_t step,
               std::string& members) {
    const Forecaster& forecaster = *pipeline_.forecaster_;
    const std::size_t width = pipeline_.spec().features.size();
    if (!explained_) {
      explained_.emplace(pipeline_.spec().features, forecaster.plan().groups,
                         forecaster.model().contribution_scale());
    }
    AppendName(name, members);
    const model::StepExplanation& one = answer.explanations[step];
    if (!one.is_there) {  // a baseline's
      members += "null";
      return;
    }
    explained_->Append({.base = one.base, .score = one.score, .contributions = one.contributions},
                       std::span(answer.features).subspan(step * width, width), *explain_, members);
  }

  static void AppendName(std::string_view name, std::string& members) {
    if (!members.empty()) members += ',';
    members.append("\"").append(name).append("\":");
  }

  // Texts stay, since requests ask for few different periods, and all for the same.
  const std::string& PeriodText(PeriodIndex period) {
    std::string& text = period_texts_[period];
    if (text.empty()) pipeline_.forecaster_->AppendPeriod(period, text);
    return text;
  }
  const std::string& OriginText(PeriodIndex period) {
    std::string& text = origin_texts_[period];
    if (text.empty()) pipeline_.forecaster_->AppendOrigin(period, text);
    return text;
  }

  const ForecastPipeline& pipeline_;
  ForecastSession session_;
  std::optional<RemoteScoring> remote_;   // where the model runs elsewhere,
  std::vector<Value> asked_;              // which is asked of these features,
  std::vector<std::size_t> asked_lines_;  // those of these lines
  ForecastAnswer answer_;
  std::vector<model::Assumption> assumptions_;  // of the row at hand; features may view them
  ForecastAnswer assumed_;                      // the same steps, where the row supposes something
  std::optional<ExplainedFeatures> explained_;
  std::unordered_map<PeriodIndex, std::string> period_texts_;
  std::unordered_map<PeriodIndex, std::string> origin_texts_;
  // Of the request at hand.
  const wire::DecodedRequest* decoded_ = nullptr;
  Instant received_;
  std::optional<Instant> known_by_;
  std::optional<std::size_t> explain_;
  bool supposes_anything_ = false;  // some row
  bool supposes_ = false;           // the row at hand
  Scores* scores_ = nullptr;
  std::size_t next_ = 0;
};

ForecastPipeline::ForecastPipeline(std::string model_name, std::string model_version,
                                   std::unique_ptr<const Forecaster> forecaster)
    : ServedPipeline(forecaster->spec(), std::move(model_name), std::move(model_version)),
      forecaster_(std::move(forecaster)) {}

ForecastPipeline::ForecastPipeline(const ForecastPipeline& lender,
                                   std::unique_ptr<const Forecaster> forecaster)
    : ServedPipeline(lender.spec(), lender.model_name(), lender.model_version()),
      forecaster_(std::move(forecaster)),
      columns_(lender.columns_) {
  fields_ = lender.fields_;
  assume_field_ = lender.assume_field_;
  assumable_ = lender.assumable_;
  answer_ = lender.answer_;
  drift_reference_ = lender.drift_reference_;
  alias_moves_ = lender.alias_moves_;
  remote_ = lender.remote_;
}

Result<std::shared_ptr<const ServedPipeline>> ForecastPipeline::Over(
    const std::filesystem::path& folder, preprocessing::SnapshotPool& pool) const {
  auto snapshots = pool.Open(spec(), folder);
  if (!snapshots) return std::move(snapshots).error();
  auto forecaster = forecaster_->Over(*std::move(snapshots));
  if (!forecaster) return std::move(forecaster).error();
  return std::shared_ptr<const ServedPipeline>(new ForecastPipeline(*this, *std::move(forecaster)));
}

Result<std::shared_ptr<const ServedPipeline>> ForecastPipeline::Load(
    const model::VersionInfo& info, const Deployment& deployment,
    preprocessing::SnapshotPool& pool) {
  const Result<model::ColdStartRule> cold_start = ColdStartOf(deployment);
  if (!cold_start) return cold_start.error();
  Result<ForecastVersion> version = ForecastVersion::Read(info);
  if (!version) return std::move(version).error();
  Result<model::ForecastModel> model = version->Model();
  if (!model) return std::move(model).error();
  auto intervals = version->Intervals();
  if (!intervals) return std::move(intervals).error();
  auto snapshots = pool.Open(version->spec(), deployment.snapshots);
  if (!snapshots) return std::move(snapshots).error();
  auto forecaster =
      Forecaster::Make({.spec = version->spec(),
                        .plan = version->plan(),
                        .model = std::make_shared<const model::ForecastModel>(*std::move(model)),
                        .snapshots = *std::move(snapshots),
                        .cold_start = *cold_start,
                        .intervals = *std::move(intervals)});
  if (!forecaster) return version->InFolder(std::move(forecaster).error());
  const std::shared_ptr<ForecastPipeline> loaded(
      new ForecastPipeline(info.model, VersionText(*version), *std::move(forecaster)));
  loaded->drift_reference_ = DriftReferenceOf(*version);
  loaded->alias_moves_ = AliasMovesOf(info, deployment);
  Status fits = loaded->AddFields();
  if (fits) fits = loaded->PlanAnswers(cold_start->has_value());
  if (!fits) {
    const std::filesystem::path file = info.folder / "pipeline.json";
    return Error{fits.error().code, fmt::format("{}: {}", file.string(), fits.error().message)};
  }
  return std::shared_ptr<const ServedPipeline>(loaded);
}

Result<std::shared_ptr<const ServedPipeline>> ForecastPipeline::LoadElsewhere(
    preprocessing::PipelineSpec spec, std::shared_ptr<const RemotePlan> remote,
    const Deployment& deployment, preprocessing::SnapshotPool& pool) {
  if (Status good = CheckElsewhere(spec, *remote); !good) return std::move(good).error();
  const Result<model::ColdStartRule> cold_start = ColdStartOf(deployment);
  if (!cold_start) return cold_start.error();
  Result<model::TrainingPlan> plan = PlanElsewhere(deployment.pipeline, spec);
  if (!plan) return std::move(plan).error();
  auto stand_in = MakeStandIn(spec);
  if (!stand_in) return std::move(stand_in).error();
  auto snapshots = pool.Open(spec, deployment.snapshots);
  if (!snapshots) return std::move(snapshots).error();
  auto forecaster = Forecaster::Make({.spec = std::move(spec),
                                      .plan = *std::move(plan),
                                      .model = *std::move(stand_in),
                                      .snapshots = *std::move(snapshots),
                                      .cold_start = *cold_start});
  if (!forecaster) return std::move(forecaster).error();
  const std::shared_ptr<ForecastPipeline> loaded(new ForecastPipeline(
      remote->spec.model, RemoteVersionText(remote->spec), *std::move(forecaster)));
  loaded->remote_ = std::move(remote);
  Status fits = loaded->AddFields();
  if (fits) fits = loaded->PlanAnswers(cold_start->has_value());
  if (!fits) return std::move(fits).error();
  return std::shared_ptr<const ServedPipeline>(loaded);
}

Status ForecastPipeline::CheckExplains() const {
  if (remote_ != nullptr) return NotExplainedElsewhere();
  const auto refused = [this](std::string_view why) -> Status {
    return Error{ErrorCode::kInvalidArgument,
                 fmt::format("version {} of model {} {}", model_version(), model_name(), why),
                 "explain"};
  };
  switch (forecaster_->model().explained()) {
    case model::Explained::kYes:
      return {};
    case model::Explained::kNotPublished:
      return NotExplained();
    case model::Explained::kFromHistory:
      return refused(
          "forecasts some keys from their history, which is not made of features: ask without "
          "explain, or train it with candidates that learn from features");
    case model::Explained::kNotOfOneAnswer:
      break;
  }
  return refused(
      "is a mean of candidates that learned other numbers than the value itself, so their reasons "
      "have no sum: ask without explain, or train candidates without a \"target\" transform");
}

Status ForecastPipeline::AddFields() {
  columns_.time = *fields_.Find(spec_.request.time);
  fields_.columns[columns_.time].nullable = true;
  const auto add = [this](const char* name, ColumnType type) -> Result<std::size_t> {
    if (fields_.Find(name)) {
      return Error{ErrorCode::kInvalidArgument,
                   fmt::format("$.request.fields.{}: every row of a forecast may have \"{}\", "
                               "which means something else",
                               name, name)};
    }
    fields_.columns.push_back(ColumnSpec{.name = name, .type = type, .nullable = true});
    return fields_.columns.size() - 1;
  };
  if (spec_.request.time != kOrigin) {
    const Result<std::size_t> origin = add(kOrigin, ColumnType::kTimestamp);
    if (!origin) return origin.error();
    columns_.origin = *origin;
  }
  const Result<std::size_t> steps = add("steps", ColumnType::kInt64);
  if (!steps) return steps.error();
  columns_.steps = *steps;
  const Result<std::size_t> from = add("from", ColumnType::kTimestamp);
  if (!from) return from.error();
  columns_.from = *from;
  const Result<std::size_t> to = add("to", ColumnType::kTimestamp);
  if (!to) return to.error();
  columns_.to = *to;
  // A pipeline whose requests have such a field keeps it. Where the model is elsewhere one question
  // would be two.
  if (fields_.Find(kAssume) || remote_ != nullptr) return {};
  const Result<std::size_t> assume = add(kAssume, ColumnType::kText);
  if (!assume) return assume.error();
  assume_field_ = *assume;
  assumable_ = forecaster_->assumable().Describe();
  return {};
}

Status ForecastPipeline::PlanAnswers(bool has_cold_start) {
  using Of = AnswerOutput::Of;
  using Answered = AnswerOutput::Answered;
  std::vector<AnswerOutput> outputs{
      {.name = kOrigin, .of = Of::kRow, .type = ColumnType::kTimestamp},
      {.name = "step", .of = Of::kLine, .type = ColumnType::kInt64},
      {.name = "period", .of = Of::kLine, .type = ColumnType::kTimestamp},
      {.name = "value", .of = Of::kLine},
      {.name = "cold_start",
       .of = Of::kLine,
       .answered = has_cold_start ? Answered::kUsually : Answered::kWhenNamed,
       .is_optional = true,
       .type = ColumnType::kBool},
      {.name = "actual", .of = Of::kLine, .answered = Answered::kOnDemand, .is_optional = true}};
  for (const double level : forecaster_->levels()) {
    // A cold start has none.
    for (const std::string& name : {model::LowerName(level), model::UpperName(level)}) {
      outputs.push_back({.name = name, .of = Of::kLine, .is_optional = has_cold_start});
    }
  }
  Result<AnswerPlan> plan = PlanAnswer(spec_, outputs, "forecast");
  if (!plan) return std::move(plan).error();
  answer_ = *std::move(plan);
  return {};
}

std::unique_ptr<Scorer> ForecastPipeline::MakeScorer() const {
  return std::make_unique<ForecastScorer>(*this);
}

}  // namespace forkcast::serving
