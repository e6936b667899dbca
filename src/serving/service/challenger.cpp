#include "serving/service/challenger.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <span>
#include <string_view>
#include <utility>
#include <variant>

#include "data_preprocessing/features/feature_computer.hpp"

namespace forkcast::serving {
namespace {

using preprocessing::ColumnType;
using preprocessing::PipelineSpec;
using preprocessing::Value;

Error Misfit(const std::string& what) {
  return {ErrorCode::kInvalidArgument, fmt::format("the challenger does not fit: {}", what)};
}

std::string NamesOf(std::span<const AnswerOutput> outputs) {
  std::vector<std::string_view> names;
  for (const AnswerOutput& output : outputs) names.push_back(output.name);
  return fmt::format("{}", fmt::join(names, ", "));
}

Status FitFields(const ServedPipeline& champion, const ServedPipeline& own) {
  const auto& theirs = champion.fields().columns;
  const auto& ours = own.fields().columns;
  for (const auto& column : theirs) {
    if (std::ranges::find(ours, column) == ours.end()) {
      return Misfit(
          fmt::format("its requests have no field \"{}\" declared as the champion's", column.name));
    }
  }
  if (theirs == ours) return {};
  return Misfit(fmt::format("its requests have {} fields, the champion's {}, or another order",
                            ours.size(), theirs.size()));
}

Status FitAnswers(const ServedPipeline& champion, const ServedPipeline& own) {
  const AnswerPlan& theirs = champion.answer();
  const AnswerPlan& ours = own.answer();
  const bool same_outputs = std::ranges::equal(
      theirs.outputs, ours.outputs, [](const AnswerOutput& one, const AnswerOutput& other) {
        return one.name == other.name && one.type == other.type && one.of == other.of;
      });
  if (!same_outputs) {
    return Misfit(fmt::format("its outputs are {}, the champion's {}", NamesOf(ours.outputs),
                              NamesOf(theirs.outputs)));
  }
  const bool same_form = theirs.parts == ours.parts && theirs.schema.fields == ours.schema.fields &&
                         theirs.schema.list == ours.schema.list &&
                         theirs.schema.line_fields == ours.schema.line_fields &&
                         theirs.schema.actuals == ours.schema.actuals;
  return same_form ? Status() : Misfit("its answers have other members than the champion's");
}

/// The class, where there is one; else the first number that is no position.
std::optional<std::size_t> DefaultOutput(std::span<const AnswerOutput> outputs) {
  const auto place_of = [&](ColumnType type) -> std::optional<std::size_t> {
    const auto found = std::ranges::find(outputs, type, &AnswerOutput::type);
    if (found == outputs.end()) return std::nullopt;
    return static_cast<std::size_t>(found - outputs.begin());
  };
  const auto text = place_of(ColumnType::kText);
  return text ? text : place_of(ColumnType::kDouble);
}

Result<std::size_t> OutputToCompare(const ExperimentPlan& plan, const ServedPipeline& own) {
  const std::vector<AnswerOutput>& outputs = own.answer().outputs;
  if (plan.compare.empty()) {
    if (const auto output = DefaultOutput(outputs)) return *output;
    return Misfit("it has no output that could be compared");
  }
  const auto named = std::ranges::find(outputs, plan.compare, &AnswerOutput::name);
  if (named != outputs.end()) return static_cast<std::size_t>(named - outputs.begin());
  return Misfit(fmt::format("there is no output \"{}\" to compare; there are: {}", plan.compare,
                            NamesOf(outputs)));
}

/// Fields by which data are looked up: of a forecast those of its key, else those of all features.
std::vector<std::string> KeyFieldsOf(const PipelineSpec& spec) {
  if (spec.forecast) return spec.forecast->key;
  std::vector<std::string> fields;
  for (const preprocessing::SeriesRead& read : preprocessing::DistinctReads(spec.features)) {
    for (const std::string& field : read.key) {
      if (std::ranges::find(fields, field) == fields.end()) fields.push_back(field);
    }
  }
  return fields;
}

Result<std::vector<std::size_t>> KeyOf(const ExperimentPlan& plan, const ServedPipeline& own) {
  std::vector<std::size_t> key;
  for (const std::string& field : plan.key.empty() ? KeyFieldsOf(own.spec()) : plan.key) {
    const auto place = own.fields().Find(field);
    if (!place) return Misfit(fmt::format("requests have no field \"{}\" to be split by", field));
    key.push_back(*place);
  }
  const bool is_needed = plan.mode == ExperimentMode::kCanary;
  if (key.empty() && is_needed) {
    return Misfit("requests have no key to be split by; name fields as \"key\"");
  }
  return key;
}

std::optional<double> NumberOf(const Value& value) {
  if (const auto* number = std::get_if<double>(&value)) {
    return std::isfinite(*number) ? std::optional(*number) : std::nullopt;
  }
  if (const auto* number = std::get_if<std::int64_t>(&value)) return static_cast<double>(*number);
  if (const auto* truth = std::get_if<bool>(&value)) return *truth ? 1.0 : 0.0;
  return std::nullopt;
}

std::size_t WidthOf(const Scores& scores) {
  return scores.rows.empty() ? 0 : scores.outputs.size() / scores.rows.size();
}

}  // namespace

Challenger::Challenger(const Experiment& experiment, std::shared_ptr<const ServedPipeline> own,
                       std::shared_ptr<ExperimentLedger> ledger)
    : pipeline_(std::move(own)),
      ledger_(std::move(ledger)),
      mode_(experiment.plan.mode),
      split_(experiment.plan.deployment, experiment.plan.challenger, experiment.plan.share),
      recorded_as_(fmt::format("{}:challenger", experiment.plan.deployment)) {}

Result<std::shared_ptr<Challenger>> Challenger::Make(const Experiment& experiment,
                                                     const ServedPipeline& champion,
                                                     std::shared_ptr<const ServedPipeline> own,
                                                     std::shared_ptr<ExperimentLedger> ledger) {
  if (Status fits = FitFields(champion, *own); !fits) return std::move(fits).error();
  if (Status fits = FitAnswers(champion, *own); !fits) return std::move(fits).error();
  const Result<std::size_t> output = OutputToCompare(experiment.plan, *own);
  if (!output) return output.error();
  Result<std::vector<std::size_t>> key = KeyOf(experiment.plan, *own);
  if (!key) return std::move(key).error();
  const std::shared_ptr<Challenger> made(
      new Challenger(experiment, std::move(own), std::move(ledger)));
  made->output_ = *output;
  made->key_ = *std::move(key);
  return made;
}

bool Challenger::Answers(const wire::DecodedRequest& decoded) {
  if (is_shadow() || decoded.row_numbers.empty()) return false;
  key_values_.clear();
  for (const std::size_t field : key_) {
    key_values_.push_back(preprocessing::ValueAt(decoded.rows.column(field), 0));
  }
  return split_.Takes(key_values_);
}

std::unique_ptr<ScoringSteps> Challenger::Take(const wire::DecoderLimits& limits) {
  if (idle_.empty()) return std::make_unique<ScoringSteps>(pipeline_, limits);
  std::unique_ptr<ScoringSteps> steps = std::move(idle_.back());
  idle_.pop_back();
  return steps;
}

std::optional<double> Challenger::MeanOutput(const Scores& scores) const {
  const std::size_t width = WidthOf(scores);
  double sum = 0;
  std::size_t count = 0;
  for (std::size_t line = 0; line < scores.rows.size(); ++line) {
    const auto number = NumberOf(scores.outputs[line * width + output_]);
    if (!number) continue;
    sum += *number;
    ++count;
  }
  return count == 0 ? std::nullopt : std::optional(sum / static_cast<double>(count));
}

void Challenger::CountValues(ExperimentArm arm, const Scores& scores) {
  const std::size_t width = WidthOf(scores);
  for (std::size_t line = 0; line < scores.rows.size(); ++line) {
    const Value& value = scores.outputs[line * width + output_];
    if (const auto* text = std::get_if<std::string_view>(&value)) ledger_->CountValue(arm, *text);
  }
}

Challenger::Compared Challenger::Compare(const Scores& champion, const Scores& challenger) const {
  const std::size_t width = WidthOf(champion);
  Compared compared{.lines = std::max(champion.rows.size(), challenger.rows.size())};
  const std::size_t both = std::min(champion.rows.size(), challenger.rows.size());
  for (std::size_t line = 0; line < both; ++line) {
    const bool agrees =
        champion.row_numbers[line] == challenger.row_numbers[line] &&
        champion.outputs[line * width + output_] == challenger.outputs[line * width + output_];
    if (agrees) ++compared.agreed;
  }
  return compared;
}

}  // namespace forkcast::serving
