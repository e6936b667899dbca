#include "serving/service/answer_plan.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <utility>

namespace forkcast::serving {

using preprocessing::AnswerSource;
using preprocessing::PipelineSpec;

namespace {

std::string ListNames(std::span<const AnswerOutput> outputs) {
  std::string names;
  for (const AnswerOutput& output : outputs) {
    names.append(names.empty() ? "" : ", ").append(output.name);
  }
  return names;
}

Error NoSuchOutput(const std::string& name, std::span<const AnswerOutput> outputs) {
  return {ErrorCode::kInvalidArgument,
          fmt::format("$.serving.answer: the model has no output \"{}\"; it has: {}, {}", name,
                      ListNames(outputs), kModelVersionOutput)};
}

Result<std::vector<PlannedMetric>> PlanMetrics(const PipelineSpec& spec,
                                               std::span<const AnswerOutput> outputs) {
  using Kind = preprocessing::OutputMetric::Kind;
  using preprocessing::ColumnType;
  std::vector<PlannedMetric> metrics;
  for (std::size_t i = 0; i < spec.metrics.size(); ++i) {
    const preprocessing::OutputMetric& metric = spec.metrics[i];
    const std::string_view key = metric.kind == Kind::kSum ? "sum" : "count_by";
    const auto output = std::ranges::find(outputs, metric.output, &AnswerOutput::name);
    if (output == outputs.end()) {
      return Error{ErrorCode::kInvalidArgument,
                   fmt::format("$.metrics[{}].{}: the model has no output \"{}\"; it has: {}", i,
                               key, metric.output, ListNames(outputs))};
    }
    const bool is_number = output->type == ColumnType::kDouble ||
                           output->type == ColumnType::kInt64 || output->type == ColumnType::kBool;
    if (metric.kind == Kind::kSum && !is_number) {
      return Error{ErrorCode::kInvalidArgument,
                   fmt::format("$.metrics[{}].sum: the output \"{}\" is no number; count_by counts "
                               "rows by its values",
                               i, metric.output)};
    }
    metrics.push_back({.name = metric.name,
                       .kind = metric.kind,
                       .column = static_cast<std::size_t>(output - outputs.begin())});
  }
  return metrics;
}

/// What a pipeline answers that does not say.
std::vector<AnswerSource> UsualAnswer(const PipelineSpec& spec,
                                      std::span<const AnswerOutput> outputs) {
  std::vector<AnswerSource> answer;
  const auto add = [&answer](const std::string& name, AnswerSource::Kind kind) {
    answer.push_back({.name = name, .kind = kind, .source = name});
  };
  if (spec.forecast) {
    for (const std::string& field : spec.forecast->key) {
      add(field, AnswerSource::Kind::kRequestField);
    }
  } else {
    for (const preprocessing::ColumnSpec& field : spec.request.fields.columns) {
      if (field.name != spec.request.time) add(field.name, AnswerSource::Kind::kRequestField);
    }
  }
  for (const AnswerOutput& output : outputs) {
    if (output.answered != AnswerOutput::Answered::kUsually) continue;
    add(output.name, AnswerSource::Kind::kModelOutput);
  }
  return answer;
}

/// Collects members for a plan, in which those of the row stand before those of its lines.
class Planner {
 public:
  Planner(const PipelineSpec& spec, std::span<const AnswerOutput> outputs)
      : spec_(spec), outputs_(outputs) {}

  Status Add(const AnswerSource& source) {
    if (source.kind == AnswerSource::Kind::kRequestField) {
      AddTo(row_, source.name,
            {.from = AnswerPart::From::kRequest,
             .column = *spec_.request.fields.Find(source.source)});
      return {};
    }
    if (source.source == kModelVersionOutput) {
      AddTo(row_, source.name, {.from = AnswerPart::From::kVersion});
      return {};
    }
    const auto output = std::ranges::find(outputs_, source.source, &AnswerOutput::name);
    if (output == outputs_.end()) return NoSuchOutput(source.source, outputs_);
    AddOutput(output->of == AnswerOutput::Of::kRow ? row_ : line_, source.name, *output);
    return {};
  }

  AnswerPlan Finish(std::string_view list) {
    for (const AnswerOutput& output : outputs_) {
      if (output.answered != AnswerOutput::Answered::kOnDemand) continue;
      // Once is enough, and under the name that the pipeline gives it.
      if (!Has(output)) AddOutput(actuals_, output.name, output);
    }
    AnswerPlan plan;
    plan.schema = {.fields = row_.names,
                   .features = {},
                   .list = std::string(list),
                   .line_fields = line_.names,
                   .actuals = actuals_.names,
                   .optional = std::move(optional_)};
    for (const Members* members : {&row_, &line_, &actuals_}) {
      plan.parts.insert(plan.parts.end(), members->parts.begin(), members->parts.end());
    }
    for (const preprocessing::FeatureSpec& feature : spec_.features) {
      plan.schema.features.push_back(feature.name);
    }
    return plan;
  }

 private:
  struct Members {
    std::vector<std::string> names{};
    std::vector<AnswerPart> parts{};
  };

  [[nodiscard]] bool Has(const AnswerOutput& output) const {
    const AnswerPart part = PartOf(output);
    return std::ranges::find(row_.parts, part) != row_.parts.end() ||
           std::ranges::find(line_.parts, part) != line_.parts.end();
  }
  [[nodiscard]] AnswerPart PartOf(const AnswerOutput& output) const {
    return {.from = AnswerPart::From::kModel,
            .column = static_cast<std::size_t>(&output - outputs_.data())};
  }
  static void AddTo(Members& members, const std::string& name, const AnswerPart& part) {
    members.names.push_back(name);
    members.parts.push_back(part);
  }
  void AddOutput(Members& members, const std::string& name, const AnswerOutput& output) {
    AddTo(members, name, PartOf(output));
    if (output.is_optional) optional_.push_back(name);
  }

  const PipelineSpec& spec_;
  std::span<const AnswerOutput> outputs_;
  Members row_;
  Members line_;
  Members actuals_;
  std::vector<std::string> optional_;
};

}  // namespace

Result<AnswerPlan> PlanAnswer(const PipelineSpec& spec, std::span<const AnswerOutput> outputs,
                              std::string_view list) {
  Planner planner(spec, outputs);
  const std::vector<AnswerSource> answer =
      spec.serving ? spec.serving->answer : UsualAnswer(spec, outputs);
  for (const AnswerSource& source : answer) {
    if (Status added = planner.Add(source); !added) return std::move(added).error();
  }
  AnswerPlan plan = planner.Finish(list);
  plan.outputs.assign(outputs.begin(), outputs.end());
  Result<std::vector<PlannedMetric>> metrics = PlanMetrics(spec, outputs);
  if (!metrics) return std::move(metrics).error();
  plan.metrics = *std::move(metrics);
  return plan;
}

}  // namespace forkcast::serving
