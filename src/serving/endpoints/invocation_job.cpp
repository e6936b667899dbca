#include "serving/endpoints/invocation_job.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <span>
#include <string>
#include <utility>

#include "data_preprocessing/base/ascii.hpp"
#include "serving/http/error_response.hpp"

namespace forkcast::serving {
namespace {

using preprocessing::SeriesMask;
using preprocessing::Value;

constexpr std::size_t kRowsBetweenLooks = 64;  // at the clock
// Scratch for more is not kept.
constexpr std::size_t kKeptRows = 4096;
constexpr std::size_t kKeptBodyBytes = 262144;

}  // namespace

InvocationJob::Steps::Steps(std::shared_ptr<const ServedPipeline> its_pipeline,
                            wire::DecoderLimits limits)
    : pipeline(std::move(its_pipeline)),
      decoder(pipeline->spec().request.fields, pipeline->spec().zone, limits),
      decoded(pipeline->spec().request.fields),
      features(pipeline->MakeFeatureComputer()),
      writer(pipeline->answer().schema) {}

Result<InvocationJob::Options> InvocationJob::ReadOptions(const Exchange& exchange) {
  const RequestView& request = exchange.request();
  const auto partial = exchange.QueryFlag("partial");
  if (!partial) return partial.error();
  const auto with_features = exchange.QueryFlag("features");
  if (!with_features) return with_features.error();
  const auto format = wire::FormatOfRequest(request.content_type);
  if (!format) return format.error();
  const auto answer_format = wire::NegotiateAnswer(request.accept, *format);
  if (!answer_format) return answer_format.error();
  // The content coding that changes nothing (RFC 9110, 8.4.1).
  if (!request.content_encoding.empty() &&
      !EqualsIgnoringCase(request.content_encoding, "identity")) {
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

Status InvocationJob::Begin(Exchange& exchange) {
  exchange_ = &exchange;
  const std::shared_ptr<const ServedPipeline>& pipeline =
      service_.catalogue.Find(exchange.PathParameter("name"));
  if (pipeline == nullptr) return Error{ErrorCode::kNotReady, "the model is not loaded yet"};
  if (!steps_ || steps_->pipeline != pipeline) steps_.emplace(pipeline, service_.limits);
  const RequestView& request = exchange.request();
  invocation_ = {.pipeline = pipeline->spec().name,
                 .model_version = pipeline->model_version(),
                 .request = {.id = exchange.id(),
                             .inference_id = request.inference_id,
                             .custom_attributes = request.custom_attributes,
                             .content_type = request.content_type,
                             .body = request.body,
                             .received = service_.clock.Now()},
                 .features = {},
                 .answer = {}};
  stage_ = Stage::kReceived;
  next_ = 0;
  return {};
}

Progress InvocationJob::Work() {
  const Result<Progress> progress = RunSlice();
  if (!progress) {
    exchange_->Refuse(progress.error());
  } else if (*progress == Progress::kMore) {
    return Progress::kMore;
  }
  Finish();
  return Progress::kDone;
}

void InvocationJob::Finish() {
  Response& answer = response();
  // The loop may not have heard of the stop yet, and may end right behind this answer.
  if (service_.server.stop_deadline_ns.load(std::memory_order_relaxed) != 0) answer.close = true;
  invocation_.answer = {.status = answer.status,
                        .content_type = answer.content_type,
                        .body = answer.body,
                        .latency = service_.clock.Monotonic() - request().started};
  service_.hooks.OnAnswer(invocation_);
  if (answer.status >= 500) {
    service_.log.error("invocation_failed request_id={:?} status={}", exchange_->id(),
                       answer.status);
  } else {
    service_.log.debug("invocation request_id={:?} status={}", exchange_->id(), answer.status);
  }
}

bool InvocationJob::is_great() const noexcept {
  return steps_ && (steps_->decoded.row_count > kKeptRows ||
                    exchange_->request().body.size() > kKeptBodyBytes);
}

Result<Progress> InvocationJob::RunSlice() {
  if (stage_ == Stage::kReceived) service_.hooks.OnRequest(invocation_);
  Status in_time = CheckDeadline();
  if (!in_time) return std::move(in_time).error();
  slice_end_ = now_ + kSlice;
  while (true) {
    Result<Step> step = RunStep();
    if (!step) return std::move(step).error();
    switch (*step) {
      case Step::kAnswered:
        return Progress::kDone;
      case Step::kStageDone:
        stage_ = static_cast<Stage>(static_cast<int>(stage_) + 1);
        next_ = 0;
        break;
      case Step::kGoesOn:
        in_time = CheckDeadline();
        if (!in_time) return std::move(in_time).error();
        if (now_ >= slice_end_) return Progress::kMore;
        break;
    }
  }
}

Result<InvocationJob::Step> InvocationJob::RunStep() {
  switch (stage_) {
    case Stage::kReceived: {
      Status received = Receive();
      if (!received) return std::move(received).error();
      return Step::kStageDone;
    }
    case Stage::kDecoding:
      return Decode();
    case Stage::kFeatures:
      return ComputeFeatures();
    case Stage::kModel:
      return Predict();
    case Stage::kWriting:
      return Write();
  }
  return Step::kAnswered;
}

Status InvocationJob::CheckDeadline() {
  now_ = service_.clock.Monotonic();
  const std::int64_t stop_ns = service_.server.stop_deadline_ns.load(std::memory_order_relaxed);
  const bool stopped = stop_ns != 0 && now_.time_since_epoch() > std::chrono::nanoseconds(stop_ns);
  if (!stopped && now_ <= request().deadline) return {};
  const auto stage = [this]() -> std::string {
    switch (stage_) {
      case Stage::kReceived:
        return request().waited ? "it waited for its turn" : "it was being received";
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
    service_.slot.metrics.Count("clipped");
    return Error{ErrorCode::kNotReady, "the server stopped while " + stage()};
  }
  return Error{ErrorCode::kDeadlineExceeded, "the request's time ran out while " + stage()};
}

Status InvocationJob::Receive() {
  auto options = ReadOptions(*exchange_);
  if (!options) return std::move(options).error();
  options_ = *options;
  steps_->decoder.Start(options_.request_format, request().body, steps_->decoded);
  return {};
}

InvocationJob::Step InvocationJob::RefuseRows(const std::vector<wire::RowError>& errors) {
  WriteRowErrors(errors, exchange_->id(), response());
  return Step::kAnswered;
}

Result<InvocationJob::Step> InvocationJob::Decode() {
  Result<bool> read = steps_->decoder.Continue(kRowsBetweenLooks);
  if (!read) return std::move(read).error();
  if (!*read) return Step::kGoesOn;
  if (!options_.partial && !steps_->decoded.errors.empty())
    return RefuseRows(steps_->decoded.errors);
  scored_rows_.clear();
  scored_numbers_.clear();
  features_.clear();
  features_.reserve(steps_->decoded.row_numbers.size() * pipeline().spec().features.size());
  inputs_.clear();
  inputs_.reserve(steps_->decoded.row_numbers.size() * pipeline().predictor().input_count());
  stale_.clear();
  feature_errors_.clear();
  return Step::kStageDone;
}

InvocationJob::Step InvocationJob::ComputeFeatures() {
  const std::size_t width = pipeline().spec().features.size();
  const std::size_t input_count = pipeline().predictor().input_count();
  const std::size_t end = std::min(next_ + kRowsBetweenLooks, steps_->decoded.row_numbers.size());
  for (; next_ < end; ++next_) {
    features_.resize(features_.size() + width);
    inputs_.resize(inputs_.size() + input_count);
    const std::span<Value> row = std::span(features_).last(width);
    SeriesMask stale = 0;
    Status computed = steps_->features.Compute(pipeline().snapshots(), steps_->decoded.rows, next_,
                                               invocation_.request.received, row, stale);
    if (computed) {
      computed = pipeline().predictor().Encode(row, std::span(inputs_).last(input_count));
    }
    if (!computed) {
      features_.resize(features_.size() - width);
      inputs_.resize(inputs_.size() - input_count);
      feature_errors_.push_back(
          {.row = steps_->decoded.row_numbers[next_], .error = std::move(computed).error()});
      continue;
    }
    scored_rows_.push_back(next_);
    scored_numbers_.push_back(steps_->decoded.row_numbers[next_]);
    stale_.push_back(stale);
  }
  if (next_ < steps_->decoded.row_numbers.size()) return Step::kGoesOn;
  if (!options_.partial && !feature_errors_.empty()) return RefuseRows(feature_errors_);
  invocation_.features = {.names = pipeline().answer().schema.features,
                          .values = features_,
                          .row_numbers = scored_numbers_};
  service_.hooks.OnFeatures(invocation_);
  outputs_.resize(scored_rows_.size() * pipeline().predictor().outputs().size());
  return Step::kStageDone;
}

InvocationJob::Step InvocationJob::Predict() {
  const model::Predictor& predictor = pipeline().predictor();
  const std::size_t inputs = predictor.input_count();
  const std::size_t outputs = predictor.outputs().size();
  const std::size_t rows = std::min(kRowsBetweenLooks, scored_rows_.size() - next_);
  predictor.Predict(std::span(inputs_).subspan(next_ * inputs, rows * inputs), {},
                    std::span(outputs_).subspan(next_ * outputs, rows * outputs));
  next_ += rows;
  return next_ < scored_rows_.size() ? Step::kGoesOn : Step::kStageDone;
}

void InvocationJob::NameStaleSeries(SeriesMask mask) {
  stale_names_.clear();
  const auto& series = pipeline().spec().series;
  for (std::size_t i = 0; i < series.size() && mask != 0; ++i) {
    if ((mask >> i & 1U) != 0) stale_names_.push_back(series[i].name);
  }
}

InvocationJob::Step InvocationJob::Write() {
  if (next_ == 0) {
    response().status = 200;
    response().content_type = wire::MediaType(options_.answer_format);
    response().body.clear();
    steps_->writer.Start({.format = options_.answer_format,
                          .wrapping = steps_->decoded.wrapping,
                          .with_features = options_.with_features,
                          .partial = options_.partial},
                         response().body);
    scored_ = 0;
    decoding_error_ = 0;
    feature_error_ = 0;
    stale_anywhere_ = 0;
  }
  const std::size_t end = std::min(next_ + kRowsBetweenLooks, steps_->decoded.row_count);
  for (; next_ < end; ++next_) WriteRow(next_);
  if (next_ < steps_->decoded.row_count) return Step::kGoesOn;
  FinishAnswer();
  return Step::kAnswered;
}

void InvocationJob::WriteRow(std::size_t number) {
  if (scored_ == scored_numbers_.size() || scored_numbers_[scored_] != number) {
    const bool decoding = decoding_error_ < steps_->decoded.errors.size() &&
                          steps_->decoded.errors[decoding_error_].row == number;
    const wire::RowError& bad =
        decoding ? steps_->decoded.errors[decoding_error_++] : feature_errors_[feature_error_++];
    steps_->writer.AddError(number, ToHttp(bad.error.code).code, bad.error);
    return;
  }
  FillAnswerRow();
  NameStaleSeries(stale_[scored_]);
  stale_anywhere_ |= stale_[scored_];
  const std::size_t width = pipeline().spec().features.size();
  steps_->writer.AddRow(answer_row_,
                        options_.with_features
                            ? std::span<const Value>(features_).subspan(scored_ * width, width)
                            : std::span<const Value>(),
                        stale_names_);
  ++scored_;
}

void InvocationJob::FillAnswerRow() {
  const std::span<const model::OutputColumn> outputs = pipeline().predictor().outputs();
  answer_row_.clear();
  for (const AnswerPart& part : pipeline().answer().parts) {
    switch (part.from) {
      case AnswerPart::From::kRequest:
        answer_row_.push_back(preprocessing::ValueAt(steps_->decoded.rows.column(part.column),
                                                     scored_rows_[scored_]));
        break;
      case AnswerPart::From::kModel:
        answer_row_.push_back(model::OutputValue(outputs[part.column],
                                                 outputs_[scored_ * outputs.size() + part.column]));
        break;
    }
  }
}

void InvocationJob::FinishAnswer() {
  steps_->writer.Finish();
  if (stale_anywhere_ == 0) return;
  NameStaleSeries(stale_anywhere_);
  stale_text_.clear();
  for (const std::string_view name : stale_names_) {
    stale_text_.append(stale_text_.empty() ? "" : ", ").append(name);
  }
  response().AddHeader("X-Forkcast-Stale", stale_text_);
}

}  // namespace forkcast::serving
