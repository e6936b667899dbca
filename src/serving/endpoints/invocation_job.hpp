#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "data_preprocessing/base/clock.hpp"
#include "data_preprocessing/base/result.hpp"
#include "data_preprocessing/features/feature_computer.hpp"
#include "model/predict/predictor.hpp"
#include "serving/http/exchange.hpp"
#include "serving/http/job.hpp"
#include "serving/service/served_pipeline.hpp"
#include "serving/service/service.hpp"
#include "serving/wire/answer_writer.hpp"
#include "serving/wire/request_decoder.hpp"

namespace forkcast::serving {

/// `POST /invocations`: decode, compute features, predict, write. Owns the scratch memory of its
/// steps, so that steady state allocates nothing.
///
/// A slice is over when about kSlice has passed, which is looked at every 64 rows; what cannot be
/// cut makes it longer: the first look at a body (6 MB of JSON: docs/performance.md says how long),
/// a single row, and each hook. A request of less than 64 rows is one slice.
class InvocationJob final : public Job {
 public:
  static constexpr std::chrono::milliseconds kSlice{1};

  explicit InvocationJob(Service& service) : service_(service) {}

  /// kNotReady while nothing is loaded.
  Status Begin(Exchange& exchange) override;
  Progress Work() override;
  [[nodiscard]] bool is_great() const noexcept override;

 private:
  enum class Stage { kReceived, kDecoding, kFeatures, kModel, kWriting };
  /// What a part of a stage has come to.
  enum class Step { kGoesOn, kStageDone, kAnswered };
  /// The steps of one pipeline. They refer to it.
  struct Steps {
    Steps(std::shared_ptr<const ServedPipeline> its_pipeline, wire::DecoderLimits limits);

    std::shared_ptr<const ServedPipeline> pipeline;
    wire::RequestDecoder decoder;
    wire::DecodedRequest decoded;
    preprocessing::FeatureComputer features;
    wire::AnswerWriter writer;
  };
  struct Options {
    bool partial = false;
    bool with_features = false;
    wire::Format request_format = wire::Format::kJson;
    wire::Format answer_format = wire::Format::kJson;
  };

  static Result<Options> ReadOptions(const Exchange& exchange);
  /// Goes on until the slice is over or the answer is made.
  Result<Progress> RunSlice();
  /// A part of the stage at hand.
  Result<Step> RunStep();
  /// Looks at the clock. kDeadlineExceeded (or kNotReady, when the server is stopping) naming the
  /// stage.
  Status CheckDeadline();
  Status Receive();
  Result<Step> Decode();
  Step ComputeFeatures();
  Step Predict();
  Step Write();
  void WriteRow(std::size_t number);
  void FillAnswerRow();
  void FinishAnswer();
  /// What is to be done behind any answer.
  void Finish();
  Step RefuseRows(const std::vector<wire::RowError>& errors);
  void NameStaleSeries(preprocessing::SeriesMask mask);

  [[nodiscard]] const ServedPipeline& pipeline() const noexcept { return *steps_->pipeline; }
  [[nodiscard]] const RequestView& request() const noexcept { return exchange_->request(); }
  [[nodiscard]] Response& response() noexcept { return exchange_->response(); }

  Service& service_;
  std::optional<Steps> steps_;

  // Of the request at hand.
  Exchange* exchange_ = nullptr;
  Invocation invocation_;
  Options options_;
  Stage stage_ = Stage::kReceived;
  std::size_t next_ = 0;  // row, of the stage at hand
  MonotonicTime now_;     // when the clock was last looked at
  MonotonicTime slice_end_;

  // `scored` rows are those whose features could be computed.
  std::vector<std::size_t> scored_rows_;        // position of each scored row in decoded.rows
  std::vector<std::size_t> scored_numbers_;     // and within the request
  std::vector<preprocessing::Value> features_;  // scored rows x features
  std::vector<preprocessing::SeriesMask> stale_;
  std::vector<float> inputs_;    // scored rows x the floats that the model reads
  std::vector<double> outputs_;  // scored rows x the model's outputs
  std::vector<wire::RowError> feature_errors_;
  // How far the answer is in the three ascending lists that make up the rows of the request.
  std::size_t scored_ = 0;
  std::size_t decoding_error_ = 0;
  std::size_t feature_error_ = 0;
  preprocessing::SeriesMask stale_anywhere_ = 0;
  std::vector<preprocessing::Value> answer_row_;
  std::vector<std::string_view> stale_names_;
  std::string stale_text_;
};

}  // namespace forkcast::serving
