#include "serving/service/shadow_queue.hpp"

#include <algorithm>
#include <exception>
#include <utility>

#include "serving/hooks/hook_chain.hpp"
#include "serving/service/answer_lines.hpp"
#include "serving/service/catalogue.hpp"
#include "serving/wire/media_type.hpp"

namespace forkcast::serving {
namespace {

constexpr std::size_t kMostLinesAStep = 64;  // between two looks at the clock

}  // namespace

bool ShadowQueue::HasRoomFor(Challenger& challenger) {
  if (waiting_.size() < kMostWaiting) return true;
  challenger.ledger().Drop(DropReason::kFull);
  return false;
}

void ShadowQueue::Offer(ShadowTask task) {
  waiting_.push_back({.task = std::move(task), .since = context_.clock.Monotonic()});
  if (context_.on_offered) context_.on_offered();
}

bool ShadowQueue::Work() {
  MonotonicTime now = context_.clock.Monotonic();
  DropLate(now);
  if (waiting_.empty()) return false;
  Waiting& one = waiting_.front();
  const MonotonicTime end = now + kSlice;
  const ExperimentLedger::AtWork at_work(one.task.challenger->ledger());
  bool threw = false;
  try {
    while (one.stage != Stage::kDone && now < end) {
      const bool is_scoring = one.stage != Stage::kWaits;
      Step(one);
      const MonotonicTime before = std::exchange(now, context_.clock.Monotonic());
      if (is_scoring) one.scoring += now - before;
      // What a line takes is not known before: first one, then more where they are quick.
      if (now - before < kSlice / 4) {
        one.lines_a_step = std::min(2 * one.lines_a_step, kMostLinesAStep);
      } else if (now - before > kSlice) {
        one.lines_a_step = std::max<std::size_t>(one.lines_a_step / 2, 1);
      }
    }
  } catch (const std::exception&) {
    threw = true;  // no memory, say
  }
  if (threw || one.stage == Stage::kDone) Finish(one, threw);
  return !waiting_.empty();
}

void ShadowQueue::DropLate(MonotonicTime now) {
  // One that has begun is brought to its end: what it has cost would be in vain.
  while (!waiting_.empty() && waiting_.front().stage == Stage::kWaits &&
         now - waiting_.front().since > kLatest) {
    waiting_.front().task.challenger->ledger().Drop(DropReason::kLate);
    Remove(waiting_.front());
  }
}

void ShadowQueue::Step(Waiting& one) const {
  switch (one.stage) {
    case Stage::kWaits:
      one.own = one.task.challenger->Take(context_.limits);
      one.own->scorer->Start({.decoded = one.task.champion->decoded, .received = one.task.received},
                             one.own->scores);
      one.stage = Stage::kFeatures;
      return;
    case Stage::kFeatures:
      if (one.own->scorer->ComputeFeatures(one.lines_a_step) == 0) one.stage = Stage::kModel;
      return;
    case Stage::kModel:
      // No challenger is elsewhere: none has to wait, or fails as a whole.
      if (one.own->scorer->Predict(one.lines_a_step).value() == Progress::kDone) {
        one.stage = Stage::kDone;
      }
      return;
    case Stage::kDone:
      return;
  }
}

void ShadowQueue::Finish(Waiting& one, bool threw) {
  Challenger& challenger = *one.task.challenger;
  const Scores& champion = one.task.champion->scores;
  PairObservation pair{
      .champion = {.output = challenger.MeanOutput(champion), .scoring = one.task.champion_scoring},
      .challenger = {.failed = true, .scoring = one.scoring}};
  if (!threw) {
    const Scores& own = one.own->scores;
    pair.challenger.failed = own.errors.size() > champion.errors.size();
    if (!pair.challenger.failed) {
      pair.challenger.output = challenger.MeanOutput(own);
      challenger.CountValues(ExperimentArm::kChampion, champion);
      challenger.CountValues(ExperimentArm::kChallenger, own);
      const Challenger::Compared compared = challenger.Compare(champion, own);
      pair.lines = compared.lines;
      pair.agreed = compared.agreed;
    }
  }
  challenger.ledger().ObservePair(pair);
  if (!threw && context_.hooks.records_challengers()) Record(one);
  if (!threw) one.task.challenger->GiveBack(std::move(one.own));
  Remove(one);
}

void ShadowQueue::Record(Waiting& one) {
  const ShadowTask::Request& request = one.task.request;
  const ServedPipeline& pipeline = *one.own->pipeline;
  const Scores& scores = one.own->scores;
  WriteAnswer(one);
  const wire::Invocation invocation{.deployment = request.deployment,
                                    .route = request.route,
                                    .pipeline = pipeline.spec().name,
                                    .model_version = pipeline.model_version(),
                                    .drift_reference = pipeline.drift_reference(),
                                    .request = {.id = request.id,
                                                .inference_id = request.inference_id,
                                                .custom_attributes = request.custom_attributes,
                                                .traceparent = request.traceparent,
                                                .content_type = request.content_type,
                                                .body = request.body,
                                                .received = one.task.received,
                                                .csv_delimiter = request.csv_delimiter},
                                    .rows = {.fields = &one.task.champion->decoded.rows,
                                             .row_numbers = one.task.champion->decoded.row_numbers},
                                    .features = {.names = pipeline.answer().schema.features,
                                                 .values = scores.features,
                                                 .row_numbers = scores.row_numbers},
                                    .outputs = {.names = one.own->output_names,
                                                .values = scores.outputs,
                                                .row_numbers = scores.row_numbers},
                                    .answer = {.status = 200,
                                               .content_type = request.answer_type,
                                               .body = answer_,
                                               .latency = one.scoring}};
  context_.hooks.OnChallenger(invocation, one.task.challenger->recorded_as());
}

/// As the champion's of `/invocations` would be with `?partial=true`.
void ShadowQueue::WriteAnswer(Waiting& one) {
  ShadowTask::Request& request = one.task.request;
  Result<wire::Format> format = wire::FormatOfRequest(request.answer_type);
  const wire::DecodedRequest& decoded = one.task.champion->decoded;
  answer_.clear();
  one.own->writer.Start({.format = format ? *format : wire::Format::kJson,
                         .wrapping = decoded.wrapping,
                         .partial = true},
                        answer_);
  AnswerLines lines;
  lines.Start(decoded, *one.own, one.own->writer.line_width());
  for (std::size_t row = 0; row < decoded.row_count; ++row) {
    answer_row_.clear();
    if (lines.Append(row, answer_row_) > 0) {
      one.own->writer.AddRow(answer_row_, {}, {});
    } else {
      lines.WriteError(row, one.own->writer);
    }
  }
  one.own->writer.Finish();
  request.answer_type = wire::MediaType(format ? *format : wire::Format::kJson);
}

void ShadowQueue::Remove(Waiting& one) {
  context_.catalogue.GiveBack(std::move(one.task.champion));
  waiting_.pop_front();
}

}  // namespace forkcast::serving
