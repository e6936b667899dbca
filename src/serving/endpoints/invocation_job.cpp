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

constexpr std::size_t kLinesBetweenLooks = 64;  // at the clock
// Scratch for more is not kept.
constexpr std::size_t kKeptRows = 4096;
constexpr std::size_t kKeptBodyBytes = 262144;

}  // namespace

Result<Catalogue::Entry*> InvocationJob::FindDeployment() const {
  if (!request().target_model.empty()) return service_.catalogue.Find(request().target_model);
  return service_.catalogue.FindEndpoint(exchange_->PathParameter("name"));
}

Result<InvocationJob::Options> InvocationJob::ReadOptions(const Exchange& exchange,
                                                          const AnswerPlan& answer) {
  const RequestView& request = exchange.request();
  const auto partial = exchange.QueryFlag("partial");
  if (!partial) return partial.error();
  const auto with_features = exchange.QueryFlag("features");
  if (!with_features) return with_features.error();
  Result<bool> with_actuals = false;
  if (!answer.schema.actuals.empty()) with_actuals = exchange.QueryFlag("actuals");
  if (!with_actuals) return with_actuals.error();
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
                 .with_actuals = *with_actuals,
                 .request_format = *format,
                 .answer_format = *answer_format};
}

Status InvocationJob::Begin(Exchange& exchange) {
  exchange_ = &exchange;
  steps_.reset();
  const Result<Catalogue::Entry*> found = FindDeployment();
  if (!found) return found.error();
  entry_ = *found;
  const ServedPipeline& pipeline = *entry_->deployment.pipeline;
  const RequestView& request = exchange.request();
  invocation_ = {.pipeline = pipeline.spec().name,
                 .model_version = pipeline.model_version(),
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
  if (!is_great()) service_.catalogue.GiveBack(std::move(steps_));
  if (answer.status >= 500) {
    service_.log.error("invocation_failed request_id={:?} status={}", exchange_->id(),
                       answer.status);
  } else {
    service_.log.debug("invocation request_id={:?} status={}", exchange_->id(), answer.status);
  }
}

bool InvocationJob::is_great() const noexcept {
  return steps_ != nullptr &&
         (steps_->decoded.row_count > kKeptRows || steps_->scores.rows.size() > kKeptRows ||
          exchange_->request().body.size() > kKeptBodyBytes);
}

Result<Progress> InvocationJob::RunSlice() {
  if (stage_ == Stage::kReceived) {
    steps_ = Catalogue::Take(*entry_, service_.limits);
    service_.hooks.OnRequest(invocation_);
  }
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
  auto options = ReadOptions(*exchange_, pipeline().answer());
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
  Result<bool> read = steps_->decoder.Continue(kLinesBetweenLooks);
  if (!read) return std::move(read).error();
  if (!*read) return Step::kGoesOn;
  if (!options_.partial && !steps_->decoded.errors.empty())
    return RefuseRows(steps_->decoded.errors);
  steps_->scorer->Start({.decoded = steps_->decoded, .received = invocation_.request.received},
                        steps_->scores);
  return Step::kStageDone;
}

InvocationJob::Step InvocationJob::ComputeFeatures() {
  if (steps_->scorer->ComputeFeatures(kLinesBetweenLooks) > 0) return Step::kGoesOn;
  const Scores& scores = steps_->scores;
  if (!options_.partial && !scores.errors.empty()) return RefuseRows(scores.errors);
  invocation_.features = {.names = pipeline().answer().schema.features,
                          .values = scores.features,
                          .row_numbers = scores.row_numbers};
  service_.hooks.OnFeatures(invocation_);
  return Step::kStageDone;
}

InvocationJob::Step InvocationJob::Predict() {
  return steps_->scorer->Predict(kLinesBetweenLooks) > 0 ? Step::kGoesOn : Step::kStageDone;
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
                          .partial = options_.partial,
                          .with_actuals = options_.with_actuals},
                         response().body);
    line_ = 0;
    decoding_error_ = 0;
    scoring_error_ = 0;
    stale_anywhere_ = 0;
  }
  const std::size_t last_line = line_ + kLinesBetweenLooks;
  const std::size_t end = std::min(next_ + kLinesBetweenLooks, steps_->decoded.row_count);
  for (; next_ < end && line_ < last_line; ++next_) WriteRow(next_);
  if (next_ < steps_->decoded.row_count) return Step::kGoesOn;
  FinishAnswer();
  return Step::kAnswered;
}

void InvocationJob::WriteRow(std::size_t number) {
  const Scores& scores = steps_->scores;
  const std::size_t first = line_;
  SeriesMask stale = 0;
  answer_row_.clear();
  for (; line_ < scores.rows.size() && scores.row_numbers[line_] == number; ++line_) {
    AppendLine(line_);
    stale |= scores.stale[line_];
  }
  if (line_ == first) return WriteError(number);
  NameStaleSeries(stale);
  stale_anywhere_ |= stale;
  const std::size_t width = pipeline().spec().features.size();
  steps_->writer.AddRow(
      answer_row_,
      options_.with_features
          ? std::span<const Value>(scores.features).subspan(first * width, (line_ - first) * width)
          : std::span<const Value>(),
      stale_names_);
}

void InvocationJob::WriteError(std::size_t number) {
  const std::vector<wire::RowError>& decoding = steps_->decoded.errors;
  const bool is_decoding =
      decoding_error_ < decoding.size() && decoding[decoding_error_].row == number;
  const wire::RowError& bad =
      is_decoding ? decoding[decoding_error_++] : steps_->scores.errors[scoring_error_++];
  steps_->writer.AddError(number, ToHttp(bad.error.code).code, bad.error);
}

void InvocationJob::AppendLine(std::size_t line) {
  const Scores& scores = steps_->scores;
  const std::size_t outputs = scores.outputs.size() / scores.rows.size();
  const std::span<const AnswerPart> parts = pipeline().answer().parts;
  for (const AnswerPart& part : parts.first(steps_->writer.line_width())) {
    switch (part.from) {
      case AnswerPart::From::kRequest:
        answer_row_.push_back(
            preprocessing::ValueAt(steps_->decoded.rows.column(part.column), scores.rows[line]));
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
