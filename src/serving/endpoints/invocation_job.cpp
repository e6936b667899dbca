#include "serving/endpoints/invocation_job.hpp"

#include <algorithm>
#include <span>
#include <utility>

#include "serving/http/error_response.hpp"

namespace forkcast::serving {

using preprocessing::SeriesMask;
using preprocessing::Value;

Result<Catalogue::Entry*> InvocationJob::FindDeployment() {
  Catalogue& catalogue = service().catalogue;
  if (!request().target_model.empty()) return catalogue.Find(request().target_model);
  return catalogue.FindEndpoint(exchange().PathParameter("name"));
}

Result<ScoringJob::BadRows> InvocationJob::Receive() {
  const auto partial = exchange().QueryFlag("partial");
  if (!partial) return partial.error();
  const auto with_features = exchange().QueryFlag("features");
  if (!with_features) return with_features.error();
  Result<bool> with_actuals = false;
  if (!pipeline().answer().schema.actuals.empty()) with_actuals = exchange().QueryFlag("actuals");
  if (!with_actuals) return with_actuals.error();
  const auto format = wire::FormatOfRequest(request().content_type);
  if (!format) return format.error();
  wire::CsvHeader csv_header = pipeline().spec().request.csv_has_header ? wire::CsvHeader::kPresent
                                                                        : wire::CsvHeader::kAbsent;
  if (*format == wire::Format::kCsv) {
    const auto said = wire::CsvHeaderOfRequest(request().content_type);
    if (!said) return said.error();
    csv_header = said->value_or(csv_header);
  }
  const auto answer_format = wire::NegotiateAnswer(request().accept, *format);
  if (!answer_format) return answer_format.error();
  if (Status plain = RequireNoCoding(request()); !plain) return std::move(plain).error();
  partial_ = *partial;
  with_features_ = *with_features;
  with_actuals_ = *with_actuals;
  answer_format_ = *answer_format;
  steps().decoder.Start(*format, request().body, steps().decoded, csv_header);
  return partial_ ? BadRows::kToldInPlace : BadRows::kFailAll;
}

Result<bool> InvocationJob::Decode(std::size_t rows) { return steps().decoder.Continue(rows); }

void InvocationJob::Refuse(const Error& error) { exchange().Refuse(error); }

void InvocationJob::RefuseRows(const std::vector<wire::RowError>& errors) {
  WriteRowErrors(errors, exchange().id(), response());
}

void InvocationJob::StartAnswer() {
  response().content_type = wire::MediaType(answer_format_);
  steps().writer.Start({.format = answer_format_,
                        .wrapping = steps().decoded.wrapping,
                        .with_features = with_features_,
                        .partial = partial_,
                        .with_actuals = with_actuals_},
                       response().body);
  next_ = 0;
  line_ = 0;
  decoding_error_ = 0;
  scoring_error_ = 0;
  stale_anywhere_ = 0;
}

bool InvocationJob::WriteAnswer(std::size_t lines) {
  const std::size_t last_line = line_ + lines;
  const std::size_t end = std::min(next_ + lines, steps().decoded.row_count);
  for (; next_ < end && line_ < last_line; ++next_) WriteRow(next_);
  if (next_ < steps().decoded.row_count) return false;
  steps().writer.Finish();
  TellStale(stale_anywhere_);
  return true;
}

void InvocationJob::WriteRow(std::size_t number) {
  const Scores& scores = steps().scores;
  const std::size_t first = line_;
  SeriesMask stale = 0;
  answer_row_.clear();
  for (; line_ < scores.rows.size() && scores.row_numbers[line_] == number; ++line_) {
    AppendLine(line_);
    stale |= scores.stale[line_];
  }
  if (line_ == first) return WriteError(number);
  stale_anywhere_ |= stale;
  const std::size_t width = pipeline().spec().features.size();
  steps().writer.AddRow(
      answer_row_,
      with_features_
          ? std::span<const Value>(scores.features).subspan(first * width, (line_ - first) * width)
          : std::span<const Value>(),
      NamesOf(stale));
}

void InvocationJob::WriteError(std::size_t number) {
  const std::vector<wire::RowError>& decoding = steps().decoded.errors;
  const bool is_decoding =
      decoding_error_ < decoding.size() && decoding[decoding_error_].row == number;
  const wire::RowError& bad =
      is_decoding ? decoding[decoding_error_++] : steps().scores.errors[scoring_error_++];
  steps().writer.AddError(number, ToHttp(bad.error.code).code, bad.error);
}

void InvocationJob::AppendLine(std::size_t line) {
  const Scores& scores = steps().scores;
  const std::size_t outputs = scores.outputs.size() / scores.rows.size();
  const std::span<const AnswerPart> parts = pipeline().answer().parts;
  for (const AnswerPart& part : parts.first(steps().writer.line_width())) {
    switch (part.from) {
      case AnswerPart::From::kRequest:
        answer_row_.push_back(
            preprocessing::ValueAt(steps().decoded.rows.column(part.column), scores.rows[line]));
        break;
      case AnswerPart::From::kModel:
        answer_row_.push_back(scores.outputs[line * outputs + part.column]);
        break;
      case AnswerPart::From::kVersion:
        answer_row_.push_back(std::string_view(pipeline().model_version()));
        break;
    }
  }
}

}  // namespace forkcast::serving
