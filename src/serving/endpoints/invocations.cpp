#include "serving/endpoints/invocations.hpp"

#include <algorithm>
#include <exception>
#include <iterator>
#include <utility>

#include "serving/http/error_response.hpp"

namespace forkcast::serving {
namespace {

using preprocessing::SeriesMask;
using preprocessing::Value;

constexpr std::size_t kRowsBetweenDeadlineChecks = 256;
constexpr std::size_t kKeptRows = 4096;  // scratch for more is given back after the request

/// `name=true|false|1|0` within a query string; absent is false. Other names are not ours.
Result<bool> QueryFlag(std::string_view query, std::string_view name) {
  while (!query.empty()) {
    const std::size_t end = std::min(query.find('&'), query.size());
    const std::string_view item = query.substr(0, end);
    query.remove_prefix(std::min(end + 1, query.size()));
    const std::size_t equals = std::min(item.find('='), item.size());
    if (item.substr(0, equals) != name) continue;
    const std::string_view value = item.substr(std::min(equals + 1, item.size()));
    if (value == "true" || value == "1") return true;
    if (value == "false" || value == "0") return false;
    return Error{ErrorCode::kInvalidArgument, "expected true or false", std::string(name)};
  }
  return false;
}

/// The content coding that changes nothing, in whatever case (RFC 9110, 8.4.1).
bool IsIdentity(std::string_view coding) noexcept {
  return std::ranges::equal(coding, std::string_view("identity"), [](char given, char lower) {
    return given == lower || (given >= 'A' && given <= 'Z' && given - 'A' + 'a' == lower);
  });
}

}  // namespace

Invocations::Invocations(const Context& context, wire::DecoderLimits limits)
    : pipeline_(context.pipeline),
      hooks_(context.hooks),
      clock_(context.clock),
      server_(context.server),
      slot_(context.slot),
      decoder_(pipeline_.spec().request.fields, pipeline_.spec().zone, limits),
      writer_(pipeline_.answer_schema()),
      decoded_(pipeline_.spec().request.fields) {}

Result<Invocations::Options> Invocations::ReadOptions(const RequestView& request) {
  Options options;
  const auto partial = QueryFlag(request.query, "partial");
  if (!partial) return partial.error();
  const auto with_features = QueryFlag(request.query, "features");
  if (!with_features) return with_features.error();
  const auto format = wire::FormatOfRequest(request.content_type);
  if (!format) return format.error();
  const auto answer_format = wire::NegotiateAnswer(request.accept, *format);
  if (!answer_format) return answer_format.error();
  if (!request.content_encoding.empty() && !IsIdentity(request.content_encoding)) {
    return Error{ErrorCode::kUnsupportedType,
                 "content encoding \"" + std::string(request.content_encoding) +
                     "\" is not understood: expected identity",
                 "Content-Encoding"};
  }
  return Options{.partial = *partial,
                 .with_features = *with_features,
                 .request_format = *format,
                 .answer_format = *answer_format};
}

void Invocations::Handle(const RequestView& request, std::string_view request_id,
                         Response& response) {
  Invocation invocation{.pipeline = pipeline_.spec().name,
                        .model_version = pipeline_.model().version(),
                        .request = {.id = request_id,
                                    .inference_id = request.inference_id,
                                    .custom_attributes = request.custom_attributes,
                                    .content_type = request.content_type,
                                    .body = request.body,
                                    .received = clock_.Now()},
                        .features = {},
                        .answer = {}};
  hooks_.OnRequest(invocation);
  if (const Status answered = Answer(request, invocation, response); !answered) {
    WriteError(answered.error(), request_id, response);
  }
  // The loop may not have heard of the stop yet, and may end right behind this answer.
  if (server_.stop_deadline_ns.load(std::memory_order_relaxed) != 0) response.close = true;
  invocation.answer = {.status = response.status,
                       .content_type = response.content_type,
                       .body = response.body,
                       .latency = clock_.Monotonic() - request.started};
  hooks_.OnAnswer(invocation);
  if (scored_rows_.capacity() > kKeptRows) GiveBackScratch();
}

void Invocations::GiveBackScratch() {
  decoded_ = wire::DecodedRequest(pipeline_.spec().request.fields);
  scored_rows_ = {};
  scored_numbers_ = {};
  features_ = {};
  stale_ = {};
  inputs_ = {};
  classes_ = {};
  feature_errors_ = {};
}

Status Invocations::Answer(const RequestView& request, Invocation& invocation, Response& response) {
  Status in_time = CheckDeadline(request, "it was being received");
  if (!in_time) return in_time;
  const auto options = ReadOptions(request);
  if (!options) return options.error();
  Status decoded = decoder_.Decode(options->request_format, request.body, decoded_);
  if (!decoded) return decoded;
  if (!options->partial && !decoded_.errors.empty()) {
    WriteRowErrors(decoded_.errors, invocation.request.id, response);
    return {};
  }
  Status computed = ComputeFeatures(request, invocation.request.received);
  if (!computed) return computed;
  if (!options->partial && !feature_errors_.empty()) {
    WriteRowErrors(feature_errors_, invocation.request.id, response);
    return {};
  }
  invocation.features = {.names = pipeline_.answer_schema().features,
                         .values = features_,
                         .row_numbers = scored_numbers_};
  hooks_.OnFeatures(invocation);
  Classify();
  WriteAnswers(*options, response);
  return {};
}

Status Invocations::CheckDeadline(const RequestView& request, std::string_view stage) const {
  const MonotonicTime now = clock_.Monotonic();
  const std::int64_t stop_ns = server_.stop_deadline_ns.load(std::memory_order_relaxed);
  if (stop_ns != 0 && now.time_since_epoch() > std::chrono::nanoseconds(stop_ns)) {
    slot_.clipped.fetch_add(1, std::memory_order_relaxed);
    return Error{ErrorCode::kNotReady, "the server stopped while " + std::string(stage)};
  }
  if (now <= request.deadline) return {};
  return Error{ErrorCode::kDeadlineExceeded,
               "the request's time ran out while " + std::string(stage)};
}

Status Invocations::ComputeFeatures(const RequestView& request, Instant now) {
  const std::size_t width = pipeline_.spec().features.size();
  scored_rows_.clear();
  scored_numbers_.clear();
  features_.clear();
  stale_.clear();
  feature_errors_.clear();
  for (std::size_t row = 0; row < decoded_.row_numbers.size(); ++row) {
    if (row % kRowsBetweenDeadlineChecks == 0) {
      Status in_time = CheckDeadline(request, "computing features");
      if (!in_time) return in_time;
    }
    features_.resize(features_.size() + width);
    SeriesMask stale = 0;
    Status computed = pipeline_.features().Compute(pipeline_.snapshots(), decoded_.rows, row, now,
                                                   std::span(features_).last(width), stale);
    if (!computed) {
      features_.resize(features_.size() - width);
      feature_errors_.push_back(
          {.row = decoded_.row_numbers[row], .error = std::move(computed).error()});
      continue;
    }
    scored_rows_.push_back(row);
    scored_numbers_.push_back(decoded_.row_numbers[row]);
    stale_.push_back(stale);
  }
  return {};
}

void Invocations::Classify() {
  const std::size_t width = pipeline_.model().inputs().size();
  const std::size_t feature_width = pipeline_.spec().features.size();
  const std::size_t rows = scored_rows_.size();
  inputs_.resize(rows * width);
  classes_.resize(rows);
  for (std::size_t row = 0; row < rows; ++row) {
    pipeline_.encoder().Encode(std::span(features_).subspan(row * feature_width, feature_width),
                               std::span(inputs_).subspan(row * width, width));
  }
  pipeline_.model().Classify(inputs_, classes_);
}

void Invocations::NameStaleSeries(SeriesMask mask) {
  stale_names_.clear();
  const auto& series = pipeline_.spec().series;
  for (std::size_t i = 0; i < series.size() && mask != 0; ++i) {
    if ((mask >> i & 1U) != 0) stale_names_.push_back(series[i].name);
  }
}

void Invocations::WriteAnswers(const Options& options, Response& response) {
  response.status = 200;
  response.content_type = wire::MediaType(options.answer_format);
  response.body.clear();
  writer_.Start({.format = options.answer_format,
                 .wrapping = decoded_.wrapping,
                 .with_features = options.with_features,
                 .partial = options.partial},
                response.body);
  const std::size_t width = pipeline_.spec().features.size();
  const auto& errors_a = decoded_.errors;
  const auto& errors_b = feature_errors_;
  std::size_t a = 0;
  std::size_t b = 0;
  std::size_t scored = 0;
  SeriesMask stale_anywhere = 0;
  // Three ascending lists make up the rows of the request.
  for (std::size_t number = 0; number < decoded_.row_count; ++number) {
    if (scored < scored_numbers_.size() && scored_numbers_[scored] == number) {
      answer_row_.clear();
      for (const LoadedPipeline::AnswerPart& part : pipeline_.answer_parts()) {
        answer_row_.push_back(
            part.is_class ? Value(std::string_view(pipeline_.model().classes()[classes_[scored]]))
                          : preprocessing::ValueAt(decoded_.rows.column(part.request_column),
                                                   scored_rows_[scored]));
      }
      NameStaleSeries(stale_[scored]);
      stale_anywhere |= stale_[scored];
      const auto features = std::span<const Value>(features_).subspan(scored * width, width);
      writer_.AddRow(answer_row_, options.with_features ? features : std::span<const Value>(),
                     stale_names_);
      ++scored;
      continue;
    }
    const bool from_a = a < errors_a.size() && errors_a[a].row == number;
    const wire::RowError& bad = from_a ? errors_a[a++] : errors_b[b++];
    writer_.AddError(number, ToHttp(bad.error.code).code, bad.error);
  }
  writer_.Finish();
  if (stale_anywhere == 0) return;
  NameStaleSeries(stale_anywhere);
  stale_text_.clear();
  for (const std::string_view name : stale_names_) {
    stale_text_.append(stale_text_.empty() ? "" : ", ").append(name);
  }
  response.AddHeader("X-Forkcast-Stale", stale_text_);
}

}  // namespace forkcast::serving
