#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "data_preprocessing/base/result.hpp"
#include "serving/experiment/experiment.hpp"
#include "serving/experiment/request_split.hpp"
#include "serving/service/experiment_ledger.hpp"
#include "serving/service/scorer.hpp"
#include "serving/service/scoring_steps.hpp"
#include "serving/service/served_pipeline.hpp"
#include "serving/wire/request_decoder.hpp"

namespace forkcast::serving {

/// The pipeline that a deployment's champion is compared with, and on which requests. Made anew
/// when anything of it changes; requests in work keep what they began with. Used by the worker's
/// loop.
class Challenger {
 public:
  /// kInvalidArgument saying what of `own` does not fit: request fields, outputs and the form of
  /// answers are to be those of `champion`, so that one can answer in the place of the other.
  static Result<std::shared_ptr<Challenger>> Make(const Experiment& experiment,
                                                  const ServedPipeline& champion,
                                                  std::shared_ptr<const ServedPipeline> own,
                                                  std::shared_ptr<ExperimentLedger> ledger);

  /// Whether a request of this id is to be scored behind its answer, too.
  [[nodiscard]] bool IsShadowOf(std::string_view request_id) const noexcept {
    return is_shadow() && split_.Takes(request_id);
  }
  /// Whether the challenger answers these rows: the key of the first one decides for all.
  [[nodiscard]] bool Answers(const wire::DecodedRequest& decoded);
  [[nodiscard]] bool is_shadow() const noexcept { return mode_ == ExperimentMode::kShadow; }

  [[nodiscard]] const ServedPipeline& pipeline() const noexcept { return *pipeline_; }
  [[nodiscard]] const std::shared_ptr<const ServedPipeline>& shared_pipeline() const noexcept {
    return pipeline_;
  }
  [[nodiscard]] ExperimentLedger& ledger() const noexcept { return *ledger_; }
  [[nodiscard]] const std::shared_ptr<ExperimentLedger>& shared_ledger() const noexcept {
    return ledger_;
  }
  /// What records of a shadow's answers say instead of the deployment's name: "NAME:challenger".
  [[nodiscard]] const std::string& recorded_as() const noexcept { return recorded_as_; }

  /// Steps for one request, as Catalogue::Take().
  [[nodiscard]] std::unique_ptr<ScoringSteps> Take(const wire::DecoderLimits& limits);
  void GiveBack(std::unique_ptr<ScoringSteps> steps) { idle_.push_back(std::move(steps)); }

  /// The mean of the compared output over all lines; none where it is no number, or in no line.
  [[nodiscard]] std::optional<double> MeanOutput(const Scores& scores) const;
  /// Counts each line by the compared output, where it is a text.
  void CountValues(ExperimentArm arm, const Scores& scores);
  struct Compared {
    std::size_t lines = 0;
    std::size_t agreed = 0;
  };
  /// Line by line; a line that one alone has differs.
  [[nodiscard]] Compared Compare(const Scores& champion, const Scores& challenger) const;

 private:
  Challenger(const Experiment& experiment, std::shared_ptr<const ServedPipeline> own,
             std::shared_ptr<ExperimentLedger> ledger);

  std::shared_ptr<const ServedPipeline> pipeline_;
  std::shared_ptr<ExperimentLedger> ledger_;
  ExperimentMode mode_;
  RequestSplit split_;
  std::string recorded_as_;
  std::size_t output_ = 0;        // that is compared
  std::vector<std::size_t> key_;  // among the fields
  std::vector<preprocessing::Value> key_values_;
  std::vector<std::unique_ptr<ScoringSteps>> idle_;
};

}  // namespace forkcast::serving
