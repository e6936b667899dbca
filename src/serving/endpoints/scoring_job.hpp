#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "data_preprocessing/base/clock.hpp"
#include "data_preprocessing/base/result.hpp"
#include "data_preprocessing/features/feature_computer.hpp"
#include "serving/hooks/hook.hpp"
#include "serving/hooks/remarks.hpp"
#include "serving/http/exchange.hpp"
#include "serving/http/job.hpp"
#include "serving/metrics/request_scope.hpp"
#include "serving/metrics/stage.hpp"
#include "serving/service/catalogue.hpp"
#include "serving/service/challenger.hpp"
#include "serving/service/service.hpp"
#include "serving/wire/gzip.hpp"
#include "serving/wire/request_decoder.hpp"

namespace forkcast::serving {

/// A request whose rows are scored: decode, compute features, predict, write. How it is read and
/// answered whoever derives from this knows; what is scored, and how, the deployment, whose steps
/// are there for one request after the other, so that steady state allocates nothing.
///
/// A slice is over when about kSlice has passed, which is looked at every 64 lines; what cannot be
/// cut makes it longer: the first look at a body (6 MB of JSON: docs/performance.md says how long),
/// a single row, and each hook but for what it leaves to HookWork. A request of less than 64 lines
/// is one slice.
class ScoringJob : public Job {
 public:
  static constexpr std::chrono::milliseconds kSlice{1};

  Status Begin(Exchange& exchange) final;
  Progress Work() final;
  [[nodiscard]] bool is_great() const noexcept final;

 protected:
  explicit ScoringJob(Service& service) : service_(service) {}

  /// What becomes of a request with bad rows.
  enum class BadRows {
    kFailAll,
    kToldInPlace,
  };

  /// The deployment that is asked. An error is the answer.
  [[nodiscard]] virtual Result<Catalogue::Entry*> FindDeployment() = 0;
  /// Looks at what was sent, and begins to decode it into `steps().decoded`.
  virtual Result<BadRows> Receive() = 0;
  /// Decodes further rows, at most so many. True when all are.
  virtual Result<bool> Decode(std::size_t rows) = 0;
  /// Begins the answer, of status 200 and an empty body.
  virtual void StartAnswer() = 0;
  /// Writes further rows, about so many lines of them. True when the answer is written.
  virtual bool WriteAnswer(std::size_t lines) = 0;
  /// Makes the answer an error, or that of bad rows, of which there is one.
  virtual void Refuse(const Error& error) = 0;
  virtual void RefuseRows(const std::vector<wire::RowError>& errors) = 0;

  /// Reads `?as_of=TIME`: the rows are answered as they would have been then. Hooks see nothing of
  /// them: it is no traffic of today. kInvalidArgument for what is no time, or one that is to come.
  Status ReadAsOf();
  /// The instant that it named.
  [[nodiscard]] const std::optional<Instant>& known_by() const noexcept { return known_by_; }
  /// What stands in for an absent time: it, or when the request was received.
  [[nodiscard]] Instant asked_at() const noexcept {
    return known_by_.value_or(invocation_.request.received);
  }
  /// The body is of this type, whatever its sender says; for hooks.
  void SayBodyIs(std::string_view content_type) noexcept {
    invocation_.request.content_type = content_type;
  }
  /// Features are computed, and no model is asked.
  void AskFeaturesAlone() noexcept { wanted_ = Wanted::kFeatures; }

  /// Reads `?explain=true` or `?explain=N`: lines say what they are made of. kInvalidArgument for
  /// what is neither, and where the deployment cannot tell.
  Status ReadExplain();
  [[nodiscard]] bool explains() const noexcept { return explain_.has_value(); }

  /// The answer's head will say how old the data are (X-Forkcast-Data-Age), and freshness() of
  /// each series.
  void TellFreshness();
  /// As JSON (ToJson()); empty where it is not told.
  [[nodiscard]] std::string_view freshness() const noexcept { return freshness_; }

  /// The answer's head will say what its stages took (Server-Timing).
  void TellTiming() noexcept { tells_timing_ = true; }
  /// The names of series, until the next call.
  std::span<const std::string_view> NamesOf(preprocessing::SeriesMask series);
  /// Says in the answer's head that the data of these series, if any, were older than they should.
  void TellStale(preprocessing::SeriesMask series);

  /// What hooks flagged of a row, until the next call. To be asked for rows in their order.
  std::span<const std::string_view> FlagsOf(std::size_t row);
  /// Says in the answer's head what hooks flagged of any row.
  void TellFlags();

  [[nodiscard]] Service& service() noexcept { return service_; }
  [[nodiscard]] Exchange& exchange() const noexcept { return *exchange_; }
  [[nodiscard]] const RequestView& request() const noexcept { return exchange_->request(); }
  [[nodiscard]] Response& response() const noexcept { return exchange_->response(); }
  /// The request's body, unpacked; wire::kBodyPadding readable bytes follow. From Receive() on.
  [[nodiscard]] std::string_view body() const noexcept { return invocation_.request.body; }
  /// From Receive() on.
  [[nodiscard]] ScoringSteps& steps() const noexcept { return *steps_; }
  [[nodiscard]] const ServedPipeline& pipeline() const noexcept { return *steps_->pipeline; }

 private:
  enum class Stage { kUnpacking, kReceived, kDecoding, kFeatures, kModel, kWriting };
  /// What a part of a stage has come to.
  enum class Step { kGoesOn, kWaits, kStageDone, kAnswered };

  /// Goes on until the slice is over or the answer is made.
  Result<Progress> RunSlice();
  /// A part of the stage at hand.
  Result<Step> RunStep();
  [[nodiscard]] std::size_t lines_between_looks() const noexcept;
  /// Whether it is asked of now and of what is planned: hooks, experiments and counters see nothing
  /// else.
  [[nodiscard]] bool is_traffic() const noexcept { return !known_by_ && !supposes_; }
  /// Looks at the clock: the time since the last look went to `spending_`.
  void LookAtTheClock();
  /// The same, and from now on time goes to `next`.
  void TurnTo(LatencyStage next);
  /// kDeadlineExceeded (or kNotReady, when the server is stopping) naming the stage, going by the
  /// last look at the clock.
  Status CheckDeadline();
  using Asking = Verdict (HookChain::*)(const Invocation&, Remarks&) noexcept;
  /// Where none watches nobody asks, nor looks at the clock. The stage that follows has to turn to
  /// itself.
  Verdict AskHooks(HookStage stage, Asking method);
  /// Whether hooks refuse the request, or one of its rows where one fails all: then it is answered.
  bool IsRefused(Verdict verdict);
  Step AfterHooks(Verdict verdict);
  Result<Step> Unpack();
  Result<Step> DecodeRows();
  Step ComputeFeatures();
  Result<Step> Predict();
  Step Write();
  /// The answer is made: hooks see it.
  void Finish();
  /// What hooks have left to do, until the slice is over; then the end.
  Progress FinishHooks();
  /// The rows, which are decoded, are the challenger's to score.
  void TurnToChallenger();
  /// Counts for the experiment that is under way what came of it.
  void ObserveArm();
  /// The steps go back to whose they are, or on to the challenger behind the answer.
  void LetGoSteps();
  void OfferShadow(const std::shared_ptr<Challenger>& challenger);
  [[nodiscard]] std::chrono::nanoseconds scoring_time() const noexcept {
    return times_[static_cast<std::size_t>(LatencyStage::kFeatures)] +
           times_[static_cast<std::size_t>(LatencyStage::kModel)];
  }

  Service& service_;

  // Of the request at hand.
  Exchange* exchange_ = nullptr;
  Catalogue::Entry* entry_ = nullptr;  // until its steps are taken, with the first slice
  std::unique_ptr<ScoringSteps> steps_;
  std::shared_ptr<Challenger> challenger_;  // of the deployment; null: it has none
  bool is_challengers_ = false;             // it scores, in the champion's place
  Invocation invocation_;
  Remarks remarks_;                                    // of hooks
  std::vector<std::unique_ptr<HookWork>> hooks_left_;  // with the answer, which is made
  wire::GzipReader unpacked_;                          // the body, where it came packed
  BadRows bad_rows_ = BadRows::kFailAll;
  Stage stage_ = Stage::kReceived;
  bool stage_begun_ = false;
  MonotonicTime now_;  // when the clock was last looked at
  LatencyStage spending_ = LatencyStage::kQueue;
  bool waits_ = false;  // for a model that runs elsewhere
  bool failed_elsewhere_ = false;
  StageTimes times_{};
  RequestScope* scope_ = nullptr;
  bool tells_timing_ = false;
  bool supposes_ = false;  // rows suppose other plans
  std::optional<Instant> known_by_;
  Wanted wanted_ = Wanted::kOutputs;
  std::optional<std::size_t> explain_;
  std::string freshness_;
  MonotonicTime slice_end_;
  std::vector<std::string_view> series_names_;
  std::string stale_text_;
  std::size_t next_flag_ = 0;
  std::vector<std::string_view> flag_names_;
  std::string flag_text_;
};

}  // namespace forkcast::serving
