#include "serving/endpoints/invocation_job.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "data_preprocessing/table/parse_value.hpp"
#include "serving/endpoints/query_time.hpp"
#include "serving/http/error_response.hpp"

namespace forkcast::serving {

using preprocessing::SeriesMask;
using preprocessing::Value;

namespace {

Error NoPlaceInCsv(const char* asked) {
  return {ErrorCode::kNotAcceptable,
          fmt::format("CSV has no place for what \"{}\" asks: ask for JSON (Accept: "
                      "application/json)",
                      asked),
          asked};
}

}  // namespace

Result<Catalogue::Entry*> InvocationJob::FindDeployment() {
  Catalogue& catalogue = service().catalogue;
  Result<Catalogue::Entry*> found = request().target_model.empty()
                                        ? catalogue.FindEndpoint(exchange().PathParameter("name"))
                                        : catalogue.Find(request().target_model);
  if (!found || request().query.empty()) return found;
  return AsOfModel(*found);
}

Result<Catalogue::Entry*> InvocationJob::AsOfModel(Catalogue::Entry* entry) {
  constexpr const char* kName = "model_as_of";
  const ServedPipeline& pipeline = *entry->deployment.pipeline;
  const auto time = QueryTime(request().query, kName, pipeline.spec().zone);
  if (!time) return time.error();
  if (!*time) return entry;
  const std::string at = preprocessing::IsoTimestamp(**time);
  const std::optional<std::uint64_t> meant = model::MeantAt(pipeline.alias_moves(), **time);
  if (!meant) {
    return Error{ErrorCode::kNotFound,
                 fmt::format("nobody noted which version \"{}\" was at {}: moves of its alias are "
                             "noted when they are made",
                             entry->deployment.name, at),
                 kName};
  }
  Catalogue::Entry* const then =
      service().catalogue.OfVersion(pipeline.model_name(), fmt::format("{}", *meant), entry);
  if (then != nullptr) return then;
  return Error{
      ErrorCode::kConflict,
      fmt::format("\"{}\" was version {} of model {} at {}, which is not served: deploy it, "
                  "too (--deploy NAME={}@{})",
                  entry->deployment.name, *meant, pipeline.model_name(), at, pipeline.model_name(),
                  *meant),
      kName};
}

Result<ScoringJob::BadRows> InvocationJob::Receive() {
  asked_ = {};
  if (!request().query.empty()) {
    if (Status read = ReadQuery(); !read) return std::move(read).error();
  }
  const auto format = wire::FormatOfRequest(request().content_type);
  if (!format) return format.error();
  wire::CsvHeader csv_header = pipeline().spec().request.csv_has_header ? wire::CsvHeader::kPresent
                                                                        : wire::CsvHeader::kAbsent;
  if (*format == wire::Format::kCsv) {
    const auto said = wire::CsvHeaderOfRequest(request().content_type);
    if (!said) return said.error();
    csv_header = said->value_or(csv_header);
    asked_.predictions = service().csv_as_predictions;
  }
  const wire::Format usual = asked_.predictions ? wire::Format::kJson : *format;
  const auto answer_format = wire::NegotiateAnswer(request().accept, usual);
  if (!answer_format) return answer_format.error();
  answer_format_ = *answer_format;
  if (explains() && answer_format_ == wire::Format::kCsv) return NoPlaceInCsv("explain");
  steps().decoder.Start(*format, body(), steps().decoded, csv_header);
  return asked_.partial ? BadRows::kToldInPlace : BadRows::kFailAll;
}

Status InvocationJob::ReadQuery() {
  static const std::vector<std::string> kKnown{"partial", "features",  "actuals",     "timing",
                                               "as_of",   "freshness", "model_as_of", "explain"};
  const auto read = [this](std::string_view name, bool& flag) -> Status {
    const Result<bool> sent = exchange().QueryFlag(name);
    if (!sent) return sent.error();
    flag = *sent;
    return {};
  };
  if (Status known = RefuseMistyped(request().query, kKnown); !known) return known;
  if (Status partial = read("partial", asked_.partial); !partial) return partial;
  if (Status features = read("features", asked_.features); !features) return features;
  bool timing = false;
  if (Status read_timing = read("timing", timing); !read_timing) return read_timing;
  if (timing) TellTiming();
  if (Status read_as_of = ReadAsOf(); !read_as_of) return read_as_of;
  if (Status explain = ReadExplain(); !explain) return explain;
  if (Status fresh = read("freshness", asked_.freshness); !fresh) return fresh;
  if (pipeline().answer().schema.actuals.empty()) return {};
  return read("actuals", asked_.actuals);
}

Result<bool> InvocationJob::Decode(std::size_t rows) {
  Result<bool> read = steps().decoder.Continue(rows);
  if (read && *read && answer_format_ == wire::Format::kCsv &&
      pipeline().SupposesAnything(steps().decoded)) {
    return NoPlaceInCsv("assume");
  }
  return read;
}

void InvocationJob::Refuse(const Error& error) { exchange().Refuse(error); }

void InvocationJob::RefuseRows(const std::vector<wire::RowError>& errors) {
  WriteRowErrors(errors, exchange().id(), response());
}

void InvocationJob::StartAnswer() {
  response().content_type = wire::MediaType(answer_format_);
  if (asked_.freshness) TellFreshness();
  steps().writer.Start(
      {.format = answer_format_,
       .wrapping = asked_.predictions ? wire::Wrapping::kInstances : steps().decoded.wrapping,
       .with_features = asked_.features,
       .partial = asked_.partial,
       .with_actuals = asked_.actuals,
       .with_notes = asked_.freshness || explains()},
      response().body);
  lines_.Start(steps().decoded, steps(), steps().writer.line_width());
  next_ = 0;
  stale_anywhere_ = 0;
}

bool InvocationJob::WriteAnswer(std::size_t lines) {
  const std::size_t last_line = lines_.line() + lines;
  const std::size_t end = std::min(next_ + lines, steps().decoded.row_count);
  for (; next_ < end && lines_.line() < last_line; ++next_) WriteRow(next_);
  if (next_ < steps().decoded.row_count) return false;
  steps().writer.Finish();
  TellStale(stale_anywhere_);
  TellFlags();
  return true;
}

void InvocationJob::WriteRow(std::size_t number) {
  const Scores& scores = steps().scores;
  const std::size_t first = lines_.line();
  answer_row_.clear();
  const std::size_t lines = lines_.Append(number, answer_row_);
  if (lines == 0) return lines_.WriteError(number, steps().writer);
  const SeriesMask stale = lines_.stale();
  stale_anywhere_ |= stale;
  const std::size_t width = pipeline().spec().features.size();
  steps().writer.AddRow(
      answer_row_,
      asked_.features
          ? std::span<const Value>(scores.features).subspan(first * width, lines * width)
          : std::span<const Value>(),
      {.stale = NamesOf(stale),
       .flags = FlagsOf(number),
       .freshness = freshness(),
       .members = scores.members.empty() ? std::span<const std::string>()
                                         : std::span(scores.members).subspan(first, lines)});
}

}  // namespace forkcast::serving
