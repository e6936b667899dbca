#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>

#include "data_preprocessing/base/result.hpp"
#include "data_preprocessing/table/value.hpp"
#include "serving/service/scorer.hpp"
#include "serving/service/served_pipeline.hpp"
#include "serving/upstream/pending_scores.hpp"
#include "serving/upstream/remote_plan.hpp"

namespace forkcast::serving {

/// What a remote model is to be asked, of features alone that a tensor can hold: kInvalidArgument
/// naming a feature that is infinite, which JSON cannot say.
[[nodiscard]] Status CheckForRemote(std::span<const preprocessing::Value> features,
                                    const RemotePlan& plan);

/// The plan of a pipeline whose features go to a model that runs elsewhere. What the server says of
/// the model is compared with it if the server can be reached; kInvalidArgument when it does not
/// fit. Blocks on the network, for two seconds at most.
[[nodiscard]] Result<std::shared_ptr<const RemotePlan>> PlanRemote(
    const preprocessing::PipelineSpec& spec, const RemoteModelSpec& remote);

/// What such a deployment's answers call the version: the URL's, or that it is the remote's choice.
[[nodiscard]] std::string RemoteVersionText(const RemoteModelSpec& remote);

/// One question to a remote model after the other, each asked once and then looked at until there
/// is a reply.
class RemoteScoring {
 public:
  /// `plan` outlives the object.
  explicit RemoteScoring(const RemotePlan& plan) : plan_(plan) {}

  /// Forgets what was asked before.
  void Start(const ScoringTask& task);
  /// Asks of these rows, which stay as they are, or looks whether there is a reply: kDone when
  /// there is, which is then in scores(). As RemoteModel::Ask() and PendingScores::reply().
  [[nodiscard]] Result<Progress> Ask(std::span<const preprocessing::Value> features);
  void GiveUp() noexcept { pending_.reset(); }
  /// Of the last reply. Until Start().
  [[nodiscard]] const RemoteScores& scores() const noexcept { return scores_; }

 private:
  const RemotePlan& plan_;
  RemoteModels* remotes_ = nullptr;
  MonotonicTime deadline_;
  std::function<void()> wake_;
  std::unique_ptr<PendingScores> pending_;
  RemoteScores scores_;
};

}  // namespace forkcast::serving
