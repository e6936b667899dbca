#include "serving/endpoints/invocation_job.hpp"

#include <algorithm>
#include <span>
#include <utility>

#include "serving/http/error_response.hpp"

namespace forkcast::serving {
namespace {

using preprocessing::SeriesMask;
using preprocessing::Value;

constexpr std::size_t kRowsBetweenLooks = 64;  // at the clock
// Scratch for more is not kept.
constexpr std::size_t kKeptRows = 4096;
constexpr std::size_t kKeptBodyBytes = 262144;

/// `name=true|false|1|0` within a query string; absent is false. Other names are not ours.
Result<bool> QueryFlag(std::string_view query, std::string_view name) {
  while (!query.empty()) {
    const std::size_t end = std::min(query.find('&'), query.size());
    const std::string_view item = query.substr(0, end);
    query.remove_prefix(std::min(end + 1, query.size()));
    if (!item.starts_with(name)) continue;
    std::string_view value = item.substr(name.size());
    if (!value.empty() && value.front() != '=') continue;  // a longer name
    if (!value.empty()) value.remove_prefix(1);
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

InvocationJob::InvocationJob(const InvocationContext& context, wire::DecoderLimits limits)
    : pipeline_(context.pipeline),
      hooks_(context.hooks),
      clock_(context.clock),
      server_(context.server),
      slot_(context.slot),
      decoder_(pipeline_.spec().request.fields, pipeline_.spec().zone, limits),
      writer_(pipeline_.answer_schema()),
      decoded_(pipeline_.spec().request.fields) {}

Result<InvocationJob::Options> InvocationJob::ReadOptions(const RequestView& request) {
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

void InvocationJob::Begin(const RequestView& request, std::string_view id, Response& response) {
  request_ = &request;
  response_ = &response;
  id_ = id;
  invocation_ = {.pipeline = pipeline_.spec().name,
                 .model_version = pipeline_.model().version(),
                 .request = {.id = id_,
                             .inference_id = request.inference_id,
                             .custom_attributes = request.custom_attributes,
                             .content_type = request.content_type,
                             .body = request.body,
                             .received = clock_.Now()},
                 .features = {},
                 .answer = {}};
  stage_ = Stage::kReceived;
  next_ = 0;
}

bool InvocationJob::Work() {
  const Result<bool> answered = WorkOn();
  if (!answered) {
    WriteError(answered.error(), id_, *response_);
  } else if (!*answered) {
    return false;
  }
  // The loop may not have heard of the stop yet, and may end right behind this answer.
  if (server_.stop_deadline_ns.load(std::memory_order_relaxed) != 0) response_->close = true;
  invocation_.answer = {.status = response_->status,
                        .content_type = response_->content_type,
                        .body = response_->body,
                        .latency = clock_.Monotonic() - request_->started};
  hooks_.OnAnswer(invocation_);
  return true;
}

bool InvocationJob::is_great() const noexcept {
  return decoded_.row_count > kKeptRows || request_->body.size() > kKeptBodyBytes;
}

Result<bool> InvocationJob::WorkOn() {
  if (stage_ == Stage::kReceived) hooks_.OnRequest(invocation_);
  Status in_time = CheckDeadline();
  if (!in_time) return std::move(in_time).error();
  slice_end_ = now_ + kSlice;
  while (true) {
    Result<Progress> progress = Step();
    if (!progress) return std::move(progress).error();
    switch (*progress) {
      case Progress::kAnswered:
        return true;
      case Progress::kStageDone:
        stage_ = static_cast<Stage>(static_cast<int>(stage_) + 1);
        next_ = 0;
        break;
      case Progress::kGoesOn:
        in_time = CheckDeadline();
        if (!in_time) return std::move(in_time).error();
        if (now_ >= slice_end_) return false;
        break;
    }
  }
}

Result<InvocationJob::Progress> InvocationJob::Step() {
  switch (stage_) {
    case Stage::kReceived: {
      Status received = Receive();
      if (!received) return std::move(received).error();
      return Progress::kStageDone;
    }
    case Stage::kDecoding:
      return Decode();
    case Stage::kFeatures:
      return ComputeFeatures();
    case Stage::kModel:
      return Classify();
    case Stage::kWriting:
      return Write();
  }
  return Progress::kAnswered;
}

Status InvocationJob::CheckDeadline() {
  now_ = clock_.Monotonic();
  const std::int64_t stop_ns = server_.stop_deadline_ns.load(std::memory_order_relaxed);
  const bool stopped = stop_ns != 0 && now_.time_since_epoch() > std::chrono::nanoseconds(stop_ns);
  if (!stopped && now_ <= request_->deadline) return {};
  const auto stage = [this]() -> std::string {
    switch (stage_) {
      case Stage::kReceived:
        return request_->waited ? "it waited for its turn" : "it was being received";
      case Stage::kDecoding:
        return "decoding its body";
      case Stage::kFeatures:
        return "computing features";
      case Stage::kModel:
        return "running the model";
      case Stage::kWriting:
        break;
    }
    return "writing the answer";
  };
  if (stopped) {
    slot_.metrics.Count("clipped");
    return Error{ErrorCode::kNotReady, "the server stopped while " + stage()};
  }
  return Error{ErrorCode::kDeadlineExceeded, "the request's time ran out while " + stage()};
}

Status InvocationJob::Receive() {
  auto options = ReadOptions(*request_);
  if (!options) return std::move(options).error();
  options_ = *options;
  decoder_.Start(options_.request_format, request_->body, decoded_);
  return {};
}

InvocationJob::Progress InvocationJob::RefuseRows(const std::vector<wire::RowError>& errors) {
  WriteRowErrors(errors, id_, *response_);
  return Progress::kAnswered;
}

Result<InvocationJob::Progress> InvocationJob::Decode() {
  Result<bool> read = decoder_.Continue(kRowsBetweenLooks);
  if (!read) return std::move(read).error();
  if (!*read) return Progress::kGoesOn;
  if (!options_.partial && !decoded_.errors.empty()) return RefuseRows(decoded_.errors);
  scored_rows_.clear();
  scored_numbers_.clear();
  features_.clear();
  features_.reserve(decoded_.row_numbers.size() * pipeline_.spec().features.size());
  stale_.clear();
  feature_errors_.clear();
  return Progress::kStageDone;
}

InvocationJob::Progress InvocationJob::ComputeFeatures() {
  const std::size_t width = pipeline_.spec().features.size();
  const std::size_t end = std::min(next_ + kRowsBetweenLooks, decoded_.row_numbers.size());
  for (; next_ < end; ++next_) {
    features_.resize(features_.size() + width);
    SeriesMask stale = 0;
    Status computed = pipeline_.features().Compute(pipeline_.snapshots(), decoded_.rows, next_,
                                                   invocation_.request.received,
                                                   std::span(features_).last(width), stale);
    if (!computed) {
      features_.resize(features_.size() - width);
      feature_errors_.push_back(
          {.row = decoded_.row_numbers[next_], .error = std::move(computed).error()});
      continue;
    }
    scored_rows_.push_back(next_);
    scored_numbers_.push_back(decoded_.row_numbers[next_]);
    stale_.push_back(stale);
  }
  if (next_ < decoded_.row_numbers.size()) return Progress::kGoesOn;
  if (!options_.partial && !feature_errors_.empty()) return RefuseRows(feature_errors_);
  invocation_.features = {.names = pipeline_.answer_schema().features,
                          .values = features_,
                          .row_numbers = scored_numbers_};
  hooks_.OnFeatures(invocation_);
  classes_.resize(scored_rows_.size());
  return Progress::kStageDone;
}

InvocationJob::Progress InvocationJob::Classify() {
  const std::size_t width = pipeline_.model().inputs().size();
  const std::size_t feature_width = pipeline_.spec().features.size();
  const std::size_t rows = std::min(kRowsBetweenLooks, scored_rows_.size() - next_);
  inputs_.resize(rows * width);
  for (std::size_t row = 0; row < rows; ++row) {
    pipeline_.encoder().Encode(
        std::span(features_).subspan((next_ + row) * feature_width, feature_width),
        std::span(inputs_).subspan(row * width, width));
  }
  pipeline_.model().Classify(inputs_, std::span(classes_).subspan(next_, rows));
  next_ += rows;
  return next_ < scored_rows_.size() ? Progress::kGoesOn : Progress::kStageDone;
}

void InvocationJob::NameStaleSeries(SeriesMask mask) {
  stale_names_.clear();
  const auto& series = pipeline_.spec().series;
  for (std::size_t i = 0; i < series.size() && mask != 0; ++i) {
    if ((mask >> i & 1U) != 0) stale_names_.push_back(series[i].name);
  }
}

InvocationJob::Progress InvocationJob::Write() {
  if (next_ == 0) {
    response_->status = 200;
    response_->content_type = wire::MediaType(options_.answer_format);
    response_->body.clear();
    writer_.Start({.format = options_.answer_format,
                   .wrapping = decoded_.wrapping,
                   .with_features = options_.with_features,
                   .partial = options_.partial},
                  response_->body);
    scored_ = 0;
    decoding_error_ = 0;
    feature_error_ = 0;
    stale_anywhere_ = 0;
  }
  const std::size_t end = std::min(next_ + kRowsBetweenLooks, decoded_.row_count);
  for (; next_ < end; ++next_) WriteRow(next_);
  if (next_ < decoded_.row_count) return Progress::kGoesOn;
  FinishAnswer();
  return Progress::kAnswered;
}

void InvocationJob::WriteRow(std::size_t number) {
  if (scored_ == scored_numbers_.size() || scored_numbers_[scored_] != number) {
    const bool decoding =
        decoding_error_ < decoded_.errors.size() && decoded_.errors[decoding_error_].row == number;
    const wire::RowError& bad =
        decoding ? decoded_.errors[decoding_error_++] : feature_errors_[feature_error_++];
    writer_.AddError(number, ToHttp(bad.error.code).code, bad.error);
    return;
  }
  answer_row_.clear();
  for (const LoadedPipeline::AnswerPart& part : pipeline_.answer_parts()) {
    answer_row_.push_back(
        part.is_class ? Value(std::string_view(pipeline_.model().classes()[classes_[scored_]]))
                      : preprocessing::ValueAt(decoded_.rows.column(part.request_column),
                                               scored_rows_[scored_]));
  }
  NameStaleSeries(stale_[scored_]);
  stale_anywhere_ |= stale_[scored_];
  const std::size_t width = pipeline_.spec().features.size();
  writer_.AddRow(answer_row_,
                 options_.with_features
                     ? std::span<const Value>(features_).subspan(scored_ * width, width)
                     : std::span<const Value>(),
                 stale_names_);
  ++scored_;
}

void InvocationJob::FinishAnswer() {
  writer_.Finish();
  if (stale_anywhere_ == 0) return;
  NameStaleSeries(stale_anywhere_);
  stale_text_.clear();
  for (const std::string_view name : stale_names_) {
    stale_text_.append(stale_text_.empty() ? "" : ", ").append(name);
  }
  response_->AddHeader("X-Forkcast-Stale", stale_text_);
}

}  // namespace forkcast::serving
