#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "data_preprocessing/base/clock.hpp"
#include "data_preprocessing/base/result.hpp"
#include "serving/hooks/hook_chain.hpp"
#include "serving/http/request.hpp"
#include "serving/http/response.hpp"
#include "serving/process/worker_slot.hpp"
#include "serving/service/loaded_pipeline.hpp"
#include "serving/wire/answer_writer.hpp"
#include "serving/wire/request_decoder.hpp"

namespace forkcast::serving {

/// What the endpoint works with; all must outlive it.
struct InvocationContext {
  LoadedPipeline& pipeline;
  HookChain& hooks;
  const Clock& clock;
  const ServerState& server;  ///< Says when everything in work has to end.
  WorkerSlot& slot;
};

/// One `POST /invocations` in work: decode, compute features, classify, write. Works in slices, so
/// that one with many rows holds nobody up. Between any two of its slices other jobs may work, over
/// the same pipeline. Owns the scratch memory of its steps and is used for one request after the
/// other, so that steady state allocates nothing.
///
/// A slice is over when about kSlice has passed, which is looked at every 64 rows; what cannot be
/// cut makes it longer: the first look at a body (6 MB of JSON: docs/performance.md says how long),
/// a single row, and each hook. A request of less than 64 rows is one slice.
class InvocationJob {
 public:
  static constexpr std::chrono::milliseconds kSlice{1};

  InvocationJob(const InvocationContext& context, wire::DecoderLimits limits);
  InvocationJob(const InvocationJob&) = delete;
  InvocationJob& operator=(const InvocationJob&) = delete;
  ~InvocationJob() = default;

  /// Takes on a request. It and `response`, which is cleared, must live and stay where they are
  /// until it is answered or another one is taken on; `id` is copied.
  void Begin(const RequestView& request, std::string_view id, Response& response);
  /// Works for one slice. True when the request is answered; errors are answers, too.
  bool Work();

  [[nodiscard]] const std::string& id() const noexcept { return id_; }
  /// Whether it was given so much memory that keeping it would be a waste.
  [[nodiscard]] bool is_great() const noexcept;

 private:
  enum class Stage { kReceived, kDecoding, kFeatures, kModel, kWriting };
  enum class Progress { kGoesOn, kStageDone, kAnswered };
  struct Options {
    bool partial = false;
    bool with_features = false;
    wire::Format request_format = wire::Format::kJson;
    wire::Format answer_format = wire::Format::kJson;
  };

  static Result<Options> ReadOptions(const RequestView& request);
  /// False when the slice is over.
  Result<bool> WorkOn();
  /// A part of the stage at hand.
  Result<Progress> Step();
  /// Looks at the clock. kDeadlineExceeded (or kNotReady, when the server is stopping) naming the
  /// stage.
  Status CheckDeadline();
  Status Receive();
  Result<Progress> Decode();
  Progress ComputeFeatures();
  Progress Classify();
  Progress Write();
  void WriteRow(std::size_t number);
  void FinishAnswer();
  Progress RefuseRows(const std::vector<wire::RowError>& errors);
  void NameStaleSeries(preprocessing::SeriesMask mask);

  LoadedPipeline& pipeline_;
  HookChain& hooks_;
  const Clock& clock_;
  const ServerState& server_;
  WorkerSlot& slot_;
  wire::RequestDecoder decoder_;
  wire::AnswerWriter writer_;

  // Of the request at hand.
  const RequestView* request_ = nullptr;
  Response* response_ = nullptr;
  std::string id_;
  Invocation invocation_;
  Options options_;
  Stage stage_ = Stage::kReceived;
  std::size_t next_ = 0;  // row, of the stage at hand
  MonotonicTime now_;     // when the clock was last looked at
  MonotonicTime slice_end_;

  // `scored` rows are those whose features could be computed.
  wire::DecodedRequest decoded_;
  std::vector<std::size_t> scored_rows_;        // position of each scored row in decoded_.rows
  std::vector<std::size_t> scored_numbers_;     // and within the request
  std::vector<preprocessing::Value> features_;  // scored rows x features
  std::vector<preprocessing::SeriesMask> stale_;
  std::vector<float> inputs_;  // rows of one step x the model's inputs
  std::vector<std::uint32_t> classes_;
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
