#include "serving/endpoints/scoring_job.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <iterator>
#include <string>
#include <system_error>
#include <utility>

#include "data_preprocessing/base/ascii.hpp"
#include "data_preprocessing/table/parse_value.hpp"
#include "serving/endpoints/query_time.hpp"
#include "serving/service/data_age.hpp"
#include "serving/service/explained_features.hpp"
#include "serving/service/shadow_queue.hpp"
#include "serving/wire/content_encoding.hpp"

namespace forkcast::serving {
namespace {

constexpr std::size_t kLinesBetweenLooks = 64;  // at the clock
constexpr std::size_t kExplainedBetweenLooks = 4;
// Scratch for more is not kept.
constexpr std::size_t kKeptRows = 4096;
constexpr std::size_t kKeptBodyBytes = 262144;
constexpr std::size_t kUnpackedBetweenLooks = 65536;
// Hooks that look at all of more have a slice of their own.
constexpr std::size_t kValuesInASlice = 16384;

/// The value of that header (https://www.w3.org/TR/server-timing/): milliseconds.
std::string ServerTiming(const StageTimes& times, std::chrono::nanoseconds total) {
  using Milliseconds = std::chrono::duration<double, std::milli>;
  std::string text;
  for (std::size_t i = 0; i < kStages; ++i) {
    if (times[i].count() <= 0) continue;
    fmt::format_to(std::back_inserter(text), "{};dur={:.3f}, ",
                   WordFor(static_cast<LatencyStage>(i)), Milliseconds(times[i]).count());
  }
  fmt::format_to(std::back_inserter(text), "total;dur={:.3f}", Milliseconds(total).count());
  return text;
}

}  // namespace

Status ScoringJob::Begin(Exchange& exchange) {
  exchange_ = &exchange;
  steps_.reset();
  const Result<Catalogue::Entry*> found = FindDeployment();
  if (!found) return found.error();
  entry_ = *found;
  challenger_ = entry_->challenger;
  is_challengers_ = false;
  const ServedPipeline& pipeline = *entry_->deployment.pipeline;
  const RequestView& request = exchange.request();
  remarks_.Clear();
  hooks_left_.clear();
  scope_ = &exchange.CountFor(entry_->deployment.name);
  times_ = {};
  times_[static_cast<std::size_t>(LatencyStage::kReceive)] = request.whole - request.started;
  times_[static_cast<std::size_t>(LatencyStage::kQueue)] = request.queued;
  now_ = request.whole;
  spending_ = LatencyStage::kDecode;
  waits_ = false;
  failed_elsewhere_ = false;
  tells_timing_ = false;
  known_by_.reset();
  supposes_ = false;
  wanted_ = Wanted::kOutputs;
  explain_.reset();
  freshness_.clear();
  invocation_ = {.deployment = scope_->deployment(),
                 .route = scope_->route(),
                 .pipeline = pipeline.spec().name,
                 .model_version = pipeline.model_version(),
                 .drift_reference = pipeline.drift_reference(),
                 .request = {.id = exchange.id(),
                             .inference_id = request.inference_id,
                             .custom_attributes = request.custom_attributes,
                             .traceparent = request.traceparent,
                             .content_type = request.content_type,
                             .body = request.body,
                             .received = service_.clock.Now(),
                             .csv_delimiter = pipeline.spec().request.csv.delimiter},
                 .features = {},
                 .answer = {}};
  stage_ = request.content_encoding.empty() ? Stage::kReceived : Stage::kUnpacking;
  stage_begun_ = false;
  return {};
}

Progress ScoringJob::Work() {
  if (!hooks_left_.empty()) return FinishHooks();
  const Result<Progress> progress = RunSlice();
  if (!progress) {
    Refuse(progress.error());
  } else if (*progress != Progress::kDone) {
    return *progress;
  }
  Finish();
  return FinishHooks();
}

Progress ScoringJob::FinishHooks() {
  if (!hooks_left_.empty()) slice_end_ = service_.clock.Monotonic() + kSlice;
  while (!hooks_left_.empty()) {
    if (!hooks_left_.back()->Continue()) {
      hooks_left_.pop_back();
    } else if (service_.clock.Monotonic() >= slice_end_) {
      return Progress::kMore;
    }
  }
  LetGoSteps();
  return Progress::kDone;
}

void ScoringJob::TurnToChallenger() {
  std::unique_ptr<ScoringSteps> steps = challenger_->Take(service_.limits);
  std::swap(steps->decoded, steps_->decoded);
  service_.catalogue.GiveBack(std::exchange(steps_, std::move(steps)));
  is_challengers_ = true;
  invocation_.pipeline = pipeline().spec().name;
  invocation_.model_version = pipeline().model_version();
  invocation_.drift_reference = pipeline().drift_reference();
}

void ScoringJob::ObserveArm() {
  // What came to its end before was nobody's to score.
  if (challenger_->is_shadow() || stage_ <= Stage::kDecoding) return;
  const Scores& scores = steps_->scores;
  const ExperimentArm arm = is_challengers_ ? ExperimentArm::kChallenger : ExperimentArm::kChampion;
  if (response().status == 200) challenger_->CountValues(arm, scores);
  challenger_->ledger().Observe(
      arm, {.failed = response().status >= 500 || !scores.errors.empty(),
            .output = stage_ == Stage::kWriting ? challenger_->MeanOutput(scores) : std::nullopt,
            .scoring = scoring_time()});
}

void ScoringJob::LetGoSteps() {
  const std::shared_ptr<Challenger> challenger = std::move(challenger_);
  if (challenger != nullptr && !is_challengers_ && response().status == 200 &&
      service_.shadows != nullptr && challenger->IsShadowOf(exchange_->id())) {
    return OfferShadow(challenger);
  }
  if (is_great()) return;
  if (is_challengers_) return challenger->GiveBack(std::move(steps_));
  service_.catalogue.GiveBack(std::move(steps_));
}

void ScoringJob::OfferShadow(const std::shared_ptr<Challenger>& challenger) {
  if (is_great()) return challenger->ledger().Drop(DropReason::kLarge);
  if (!service_.shadows->HasRoomFor(*challenger)) {
    return service_.catalogue.GiveBack(std::move(steps_));
  }
  ShadowTask task{.challenger = challenger,
                  .champion = std::move(steps_),
                  .champion_scoring = scoring_time(),
                  .received = invocation_.request.received};
  if (service_.hooks.records_challengers()) {
    const Invocation::Request& request = invocation_.request;
    task.request = {.id = std::string(request.id),
                    .inference_id = std::string(request.inference_id),
                    .custom_attributes = std::string(request.custom_attributes),
                    .traceparent = std::string(request.traceparent),
                    .content_type = std::string(request.content_type),
                    .body = std::string(request.body),
                    .answer_type = std::string(invocation_.answer.content_type),
                    .deployment = std::string(invocation_.deployment),
                    .route = std::string(invocation_.route),
                    .csv_delimiter = request.csv_delimiter};
  }
  service_.shadows->Offer(std::move(task));
}

void ScoringJob::Finish() {
  Response& answer = response();
  LookAtTheClock();
  if (steps_ != nullptr) steps_->scorer->GiveUp();
  const std::chrono::nanoseconds latency = now_ - request().started;
  if (tells_timing_) answer.AddHeader("Server-Timing", ServerTiming(times_, latency));
  // The loop may not have heard of the stop yet, and may end right behind this answer.
  if (service_.server.stop_deadline_ns.load(std::memory_order_relaxed) != 0) answer.close = true;
  invocation_.answer = {.status = answer.status,
                        .content_type = answer.content_type,
                        .body = answer.body,
                        .latency = latency,
                        .stages = times_};
  if (service_.hooks.Watches(HookStage::kAnswer) && is_traffic()) {
    spending_ = LatencyStage::kHooks;
    const bool is_large = body().size() > kUnpackedBetweenLooks ||
                          invocation_.features.values.size() > kValuesInASlice;
    if (is_large) {
      service_.hooks.OnLargeAnswer(invocation_, hooks_left_);
    } else {
      service_.hooks.OnAnswer(invocation_);
    }
    LookAtTheClock();
  }
  scope_->Observe(times_, latency);
  if (challenger_ != nullptr) ObserveArm();
  if (answer.status == 200 && is_traffic() && wanted_ == Wanted::kOutputs) {
    steps_->counters.Count(steps_->scores, steps_->output_names.size(), scope_->deployment(),
                           service_.series);
  }
  // What a model elsewhere fails in is logged where it is asked, not with each request.
  if (answer.status >= 500 && !failed_elsewhere_) {
    service_.log.error("invocation_failed request_id={:?} status={}", exchange_->id(),
                       answer.status);
  } else {
    service_.log.debug("invocation request_id={:?} status={}", exchange_->id(), answer.status);
  }
}

bool ScoringJob::is_great() const noexcept {
  return steps_ != nullptr &&
         (steps_->decoded.row_count > kKeptRows || steps_->scores.rows.size() > kKeptRows ||
          body().size() > kKeptBodyBytes || unpacked_.room() > kKeptBodyBytes);
}

Result<Progress> ScoringJob::RunSlice() {
  if (steps_ == nullptr) steps_ = Catalogue::Take(*entry_, service_.limits);
  const LatencyStage resumed = spending_;
  const bool has_waited = std::exchange(waits_, false);
  if (!has_waited) spending_ = LatencyStage::kQueue;
  TurnTo(resumed);
  // Before the deadline is looked at: a hook may have taken its time.
  if (stage_ == Stage::kReceived &&
      IsRefused(AskHooks(HookStage::kRequest, &HookChain::OnRequest))) {
    return Progress::kDone;
  }
  if (spending_ != resumed) TurnTo(resumed);
  Status in_time = CheckDeadline();
  if (!in_time) {
    failed_elsewhere_ = has_waited;
    return std::move(in_time).error();
  }
  slice_end_ = now_ + kSlice;
  while (true) {
    Result<Step> step = RunStep();
    if (!step) return std::move(step).error();
    switch (*step) {
      case Step::kAnswered:
        return Progress::kDone;
      case Step::kStageDone:
        stage_ = static_cast<Stage>(static_cast<int>(stage_) + 1);
        stage_begun_ = false;
        if (stage_ == Stage::kReceived) TurnTo(LatencyStage::kDecode);
        if (stage_ == Stage::kFeatures) TurnTo(LatencyStage::kFeatures);
        if (stage_ == Stage::kModel) TurnTo(LatencyStage::kModel);
        if (stage_ == Stage::kWriting) TurnTo(LatencyStage::kWrite);
        break;
      case Step::kGoesOn:
        LookAtTheClock();
        in_time = CheckDeadline();
        if (!in_time) return std::move(in_time).error();
        if (now_ >= slice_end_) return Progress::kMore;
        break;
      case Step::kWaits:
        waits_ = true;
        return Progress::kWaits;
    }
  }
}

Result<ScoringJob::Step> ScoringJob::RunStep() {
  switch (stage_) {
    case Stage::kUnpacking:
      return Unpack();
    case Stage::kReceived: {
      Result<BadRows> received = Receive();
      if (!received) return std::move(received).error();
      bad_rows_ = *received;
      return Step::kStageDone;
    }
    case Stage::kDecoding:
      return DecodeRows();
    case Stage::kFeatures:
      return ComputeFeatures();
    case Stage::kModel:
      return Predict();
    case Stage::kWriting:
      return Write();
  }
  return Step::kAnswered;
}

void ScoringJob::LookAtTheClock() {
  const MonotonicTime before = std::exchange(now_, service_.clock.Monotonic());
  times_[static_cast<std::size_t>(spending_)] += now_ - before;
}

std::size_t ScoringJob::lines_between_looks() const noexcept {
  return explain_ ? kExplainedBetweenLooks : kLinesBetweenLooks;
}

void ScoringJob::TurnTo(LatencyStage next) {
  LookAtTheClock();
  spending_ = next;
}

Verdict ScoringJob::AskHooks(HookStage stage, Asking method) {
  if (!service_.hooks.Watches(stage) || !is_traffic()) return Verdict::kGoOn;
  TurnTo(LatencyStage::kHooks);
  return (service_.hooks.*method)(invocation_, remarks_);
}

Status ScoringJob::CheckDeadline() {
  const std::int64_t stop_ns = service_.server.stop_deadline_ns.load(std::memory_order_relaxed);
  const bool stopped = stop_ns != 0 && now_.time_since_epoch() > std::chrono::nanoseconds(stop_ns);
  if (!stopped && now_ <= request().deadline) return {};
  const auto stage = [this]() -> std::string {
    switch (stage_) {
      case Stage::kUnpacking:
        return "unpacking its body";
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
  service_.slot.metrics.Count("late");
  return Error{ErrorCode::kDeadlineExceeded, "the request's time ran out while " + stage()};
}

/// What a content coding changed is undone before anybody looks at the body.
Result<ScoringJob::Step> ScoringJob::Unpack() {
  const Result<bool> is_packed = wire::IsGzip(request().content_encoding);
  if (!is_packed) return is_packed.error();
  if (!*is_packed) return AfterHooks(AskHooks(HookStage::kRequest, &HookChain::OnRequest));
  if (!std::exchange(stage_begun_, true)) {
    unpacked_.Start(request().body, service_.max_body_bytes);
  }
  Result<bool> whole = unpacked_.Continue(kUnpackedBetweenLooks);
  if (!whole) return std::move(whole).error();
  if (!*whole) return Step::kGoesOn;
  invocation_.request.body = unpacked_.text();
  return AfterHooks(AskHooks(HookStage::kRequest, &HookChain::OnRequest));
}

bool ScoringJob::IsRefused(Verdict verdict) {
  if (verdict != Verdict::kReject) return false;
  if (remarks_.refusal) {
    Refuse(*remarks_.refusal);
    return true;
  }
  if (bad_rows_ != BadRows::kFailAll || remarks_.refused_rows.empty()) return false;
  remarks_.SortRefusedRows();
  RefuseRows(remarks_.refused_rows);
  return true;
}

ScoringJob::Step ScoringJob::AfterHooks(Verdict verdict) {
  return IsRefused(verdict) ? Step::kAnswered : Step::kStageDone;
}

Result<ScoringJob::Step> ScoringJob::DecodeRows() {
  Result<bool> read = Decode(kLinesBetweenLooks);
  if (!read) return std::move(read).error();
  if (!*read) return Step::kGoesOn;
  if (bad_rows_ == BadRows::kFailAll && !steps_->decoded.errors.empty()) {
    RefuseRows(steps_->decoded.errors);
    return Step::kAnswered;
  }
  supposes_ = pipeline().SupposesAnything(steps_->decoded);
  // Of another moment, of other plans, or without outputs, nothing is compared.
  if (!is_traffic() || wanted_ != Wanted::kOutputs) challenger_.reset();
  if (explain_ && challenger_ != nullptr && !challenger_->pipeline().CheckExplains()) {
    challenger_.reset();
  }
  if (challenger_ != nullptr && challenger_->Answers(steps_->decoded)) TurnToChallenger();
  invocation_.rows = {.fields = &steps_->decoded.rows, .row_numbers = steps_->decoded.row_numbers};
  if (IsRefused(AskHooks(HookStage::kRows, &HookChain::OnRows))) return Step::kAnswered;
  steps_->scorer->Start({.decoded = steps_->decoded,
                         .received = asked_at(),
                         .known_by = known_by_,
                         .wanted = wanted_,
                         .explain = explain_,
                         .remotes = service_.remotes,
                         .deadline = request().deadline,
                         .wake = [exchange = exchange_] { exchange->Wake(); }},
                        steps_->scores);
  return Step::kStageDone;
}

ScoringJob::Step ScoringJob::ComputeFeatures() {
  if (steps_->scorer->ComputeFeatures(lines_between_looks()) > 0) return Step::kGoesOn;
  const Scores& scores = steps_->scores;
  if (bad_rows_ == BadRows::kFailAll && !scores.errors.empty()) {
    RefuseRows(scores.errors);
    return Step::kAnswered;
  }
  invocation_.features = {.names = pipeline().answer().schema.features,
                          .values = scores.features,
                          .row_numbers = scores.row_numbers};
  return AfterHooks(AskHooks(HookStage::kFeatures, &HookChain::OnFeatures));
}

Status ScoringJob::ReadAsOf() {
  constexpr const char* kName = "as_of";
  const Result<std::optional<Instant>> time =
      QueryTime(request().query, kName, pipeline().spec().zone);
  if (!time) return time.error();
  if (!*time) return {};
  const Instant now = invocation_.request.received;
  if (**time > now) {
    return Error{ErrorCode::kInvalidArgument,
                 fmt::format("{} is to come, and what will be known then is not known: now is {}",
                             preprocessing::IsoTimestamp(**time), preprocessing::IsoTimestamp(now)),
                 kName};
  }
  known_by_ = **time;
  return {};
}

Status ScoringJob::ReadExplain() {
  constexpr const char* kName = "explain";
  const Result<std::optional<std::string>> said = exchange_->QueryParameter(kName);
  if (!said) return said.error();
  if (!*said || **said == "false") return {};
  explain_ = kUsuallyExplained;
  if (**said != "true") {
    const char* const end = (*said)->data() + (*said)->size();
    const auto [behind, wrong] = std::from_chars((*said)->data(), end, *explain_);
    if (wrong != std::errc() || behind != end || *explain_ < 1 || *explain_ > kMostExplained) {
      return Error{ErrorCode::kInvalidArgument,
                   fmt::format("expected true, false, or how many contributions to list (1 to {})",
                               kMostExplained),
                   kName};
    }
  }
  return pipeline().CheckExplains();
}

void ScoringJob::TellFreshness() {
  const std::vector<DataAge> ages = DataAgesOf(pipeline(), asked_at(), known_by_);
  freshness_ = ToJson(ages);
  const std::string oldest = OldestText(ages);
  if (!oldest.empty()) response().AddHeader("X-Forkcast-Data-Age", oldest);
}

std::span<const std::string_view> ScoringJob::NamesOf(preprocessing::SeriesMask series) {
  series_names_.clear();
  const auto& all = pipeline().spec().series;
  for (std::size_t i = 0; i < all.size() && series != 0; ++i) {
    if ((series >> i & 1U) != 0) series_names_.push_back(all[i].name);
  }
  return series_names_;
}

void ScoringJob::TellStale(preprocessing::SeriesMask series) {
  if (series == 0) return;
  stale_text_.clear();
  for (const std::string_view name : NamesOf(series)) {
    stale_text_.append(stale_text_.empty() ? "" : ", ").append(name);
  }
  response().AddHeader("X-Forkcast-Stale", stale_text_);
}

std::span<const std::string_view> ScoringJob::FlagsOf(std::size_t row) {
  flag_names_.clear();
  const std::vector<Remarks::Flag>& flags = remarks_.flags;
  while (next_flag_ < flags.size() && flags[next_flag_].row < row) ++next_flag_;
  for (; next_flag_ < flags.size() && flags[next_flag_].row == row; ++next_flag_) {
    flag_names_.push_back(flags[next_flag_].text);
  }
  return flag_names_;
}

void ScoringJob::TellFlags() {
  if (remarks_.flags.empty()) return;
  constexpr std::size_t kNamed = 16;  // a head has room for so many
  flag_names_.clear();
  for (const Remarks::Flag& flag : remarks_.flags) {
    if (flag_names_.size() > kNamed) break;
    if (std::ranges::find(flag_names_, flag.text) == flag_names_.end()) {
      flag_names_.push_back(flag.text);
    }
  }
  flag_text_.clear();
  for (std::size_t i = 0; i < flag_names_.size(); ++i) {
    flag_text_.append(i == 0 ? "" : ", ").append(i < kNamed ? flag_names_[i] : "...");
  }
  // Texts of libraries, and names of fields, may be any bytes.
  std::ranges::replace_if(flag_text_, IsControl, '?');
  response().AddHeader("X-Forkcast-Flags", flag_text_);
}

Result<ScoringJob::Step> ScoringJob::Predict() {
  Scores& scores = steps_->scores;
  if (wanted_ == Wanted::kOutputs) {
    Result<Progress> progress = steps_->scorer->Predict(lines_between_looks());
    if (!progress) {
      failed_elsewhere_ = true;
      return std::move(progress).error();
    }
    if (*progress == Progress::kMore) return Step::kGoesOn;
    if (*progress == Progress::kWaits) return Step::kWaits;
    invocation_.outputs = {
        .names = steps_->output_names, .values = scores.outputs, .row_numbers = scores.row_numbers};
    if (IsRefused(AskHooks(HookStage::kOutputs, &HookChain::OnOutputs))) return Step::kAnswered;
  }
  remarks_.SortFlags();
  next_flag_ = 0;
  if (remarks_.refused_rows.empty()) return Step::kStageDone;
  remarks_.SortRefusedRows();
  scores.Refuse(remarks_.refused_rows);
  invocation_.features.values = scores.features;
  invocation_.outputs.values = scores.outputs;
  invocation_.features.row_numbers = invocation_.outputs.row_numbers = scores.row_numbers;
  return Step::kStageDone;
}

ScoringJob::Step ScoringJob::Write() {
  if (!std::exchange(stage_begun_, true)) {
    response().status = 200;
    response().body.clear();
    StartAnswer();
  }
  return WriteAnswer(kLinesBetweenLooks) ? Step::kAnswered : Step::kGoesOn;
}

}  // namespace forkcast::serving
