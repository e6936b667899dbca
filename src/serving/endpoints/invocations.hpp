#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "data_preprocessing/base/clock.hpp"
#include "data_preprocessing/base/result.hpp"
#include "serving/endpoints/loaded_pipeline.hpp"
#include "serving/hooks/hook_chain.hpp"
#include "serving/http/request.hpp"
#include "serving/http/response.hpp"
#include "serving/process/worker_slot.hpp"
#include "serving/wire/answer_writer.hpp"
#include "serving/wire/request_decoder.hpp"

namespace forkcast::serving {

/// `POST /invocations` over one loaded pipeline: decode, compute features, classify, write. Owns
/// the scratch memory of these steps, so that steady state allocates nothing. One a worker.
class Invocations {
 public:
  /// What the endpoint works with; all must outlive it.
  struct Context {
    LoadedPipeline& pipeline;
    HookChain& hooks;
    const Clock& clock;
    const ServerState& server;  ///< Says when everything in work has to end.
    WorkerSlot& slot;
  };
  Invocations(const Context& context, wire::DecoderLimits limits);

  /// Answers `request`, whose id is `request_id`. Errors are answers, too.
  void Handle(const RequestView& request, std::string_view request_id, Response& response);

 private:
  struct Options {
    bool partial = false;
    bool with_features = false;
    wire::Format request_format = wire::Format::kJson;
    wire::Format answer_format = wire::Format::kJson;
  };

  static Result<Options> ReadOptions(const RequestView& request);
  Status Answer(const RequestView& request, Invocation& invocation, Response& response);
  /// kDeadlineExceeded (or kNotReady, when the server is stopping) naming the stage.
  Status CheckDeadline(const RequestView& request, std::string_view stage) const;
  Status ComputeFeatures(const RequestView& request, Instant now);
  void Classify();
  void WriteAnswers(const Options& options, Response& response);
  void GiveBackScratch();
  void NameStaleSeries(preprocessing::SeriesMask mask);

  LoadedPipeline& pipeline_;
  HookChain& hooks_;
  const Clock& clock_;
  const ServerState& server_;
  WorkerSlot& slot_;
  wire::RequestDecoder decoder_;
  wire::AnswerWriter writer_;

  // Of the request at hand; `scored` rows are those whose features could be computed.
  wire::DecodedRequest decoded_;
  std::vector<std::size_t> scored_rows_;        // position of each scored row in decoded_.rows
  std::vector<std::size_t> scored_numbers_;     // and within the request
  std::vector<preprocessing::Value> features_;  // scored rows x features
  std::vector<preprocessing::SeriesMask> stale_;
  std::vector<float> inputs_;  // scored rows x the model's inputs
  std::vector<std::uint32_t> classes_;
  std::vector<wire::RowError> feature_errors_;
  std::vector<preprocessing::Value> answer_row_;
  std::vector<std::string_view> stale_names_;
  std::string stale_text_;
};

}  // namespace forkcast::serving
