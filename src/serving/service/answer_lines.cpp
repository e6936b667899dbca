#include "serving/service/answer_lines.hpp"

#include <span>
#include <string_view>

#include "serving/http/error_response.hpp"

namespace forkcast::serving {

using preprocessing::Value;

void AnswerLines::Start(const wire::DecodedRequest& decoded, const ScoringSteps& steps,
                        std::size_t width) {
  *this = {};
  decoded_ = &decoded;
  steps_ = &steps;
  width_ = width;
}

std::size_t AnswerLines::Append(std::size_t row, std::vector<Value>& values) {
  const Scores& scores = steps_->scores;
  const std::size_t first = line_;
  stale_ = 0;
  for (; line_ < scores.rows.size() && scores.row_numbers[line_] == row; ++line_) {
    AppendLine(values);
    stale_ |= scores.stale[line_];
  }
  return line_ - first;
}

void AnswerLines::AppendLine(std::vector<Value>& values) const {
  const ServedPipeline& pipeline = *steps_->pipeline;
  const Scores& scores = steps_->scores;
  const std::size_t outputs = scores.outputs.size() / scores.rows.size();
  const std::span<const AnswerPart> parts = pipeline.answer().parts;
  for (const AnswerPart& part : parts.first(width_)) {
    switch (part.from) {
      case AnswerPart::From::kRequest:
        values.push_back(
            preprocessing::ValueAt(decoded_->rows.column(part.column), scores.rows[line_]));
        break;
      case AnswerPart::From::kModel:
        values.push_back(scores.outputs[line_ * outputs + part.column]);
        break;
      case AnswerPart::From::kVersion:
        values.push_back(std::string_view(pipeline.model_version()));
        break;
    }
  }
}

void AnswerLines::WriteError(std::size_t row, wire::AnswerWriter& writer) {
  const std::vector<wire::RowError>& decoding = decoded_->errors;
  const bool is_decoding =
      decoding_error_ < decoding.size() && decoding[decoding_error_].row == row;
  const wire::RowError& bad =
      is_decoding ? decoding[decoding_error_++] : steps_->scores.errors[scoring_error_++];
  writer.AddError(row, ToHttp(bad.error.code).code, bad.error);
}

}  // namespace forkcast::serving
