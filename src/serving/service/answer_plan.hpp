#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "data_preprocessing/base/result.hpp"
#include "data_preprocessing/pipeline/pipeline_spec.hpp"
#include "serving/wire/answer_writer.hpp"

namespace forkcast::serving {

/// A value that answers can hold beside the request's fields.
struct AnswerOutput {
  enum class Of {
    kRow,
    kLine,  ///< Of each of a row's lines one: of a forecast's steps.
  };
  enum class Answered {
    kUsually,    ///< Where the pipeline does not say what its answer is, or says this.
    kWhenNamed,  ///< Only where it says this.
    kOnDemand,   ///< Then, and with `?actuals=true` whatever it says.
  };
  std::string name;
  Of of = Of::kRow;
  Answered answered = Answered::kUsually;
  bool is_optional = false;  ///< Left out of JSON where it is missing.
  /// A timestamp comes as a text that ParseTimestamp() reads.
  preprocessing::ColumnType type = preprocessing::ColumnType::kDouble;
};

/// Where each member of an answer row comes from.
struct AnswerPart {
  enum class From {
    kRequest,
    kModel,
    kVersion,  ///< The version of the model.
  };
  From from = From::kRequest;
  std::size_t column = 0;  ///< Of the request's fields, or of the outputs.

  friend bool operator==(const AnswerPart&, const AnswerPart&) = default;
};

/// A metric that the pipeline declares.
struct PlannedMetric {
  std::string name;
  preprocessing::OutputMetric::Kind kind = preprocessing::OutputMetric::Kind::kCountBy;
  std::size_t column = 0;  ///< Of the outputs.
};

/// How a row is answered: what stands in it, and from where.
struct AnswerPlan {
  wire::AnswerSchema schema;
  std::vector<AnswerOutput> outputs;  ///< All that there are, in their order.
  /// One for each of schema.fields, then schema.line_fields, then schema.actuals.
  std::vector<AnswerPart> parts;
  std::vector<PlannedMetric> metrics;
};

/// The output that every kind of pipeline has, when an answer names it.
inline constexpr std::string_view kModelVersionOutput = "model_version";

/// The plan of a pipeline that has these outputs. `list`: the member of a JSON row that holds its
/// lines; empty where a row is one line. What the pipeline does not say: the key of what it
/// forecasts, else every field of the request but the time, and then its outputs. Members of the
/// row stand before those of its lines. kInvalidArgument naming an output that is not there, and
/// those that are; or one that a metric is to sum and that is no number.
[[nodiscard]] Result<AnswerPlan> PlanAnswer(const preprocessing::PipelineSpec& spec,
                                            std::span<const AnswerOutput> outputs,
                                            std::string_view list = {});

}  // namespace forkcast::serving
