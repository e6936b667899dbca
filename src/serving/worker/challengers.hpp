#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "data_preprocessing/base/clock.hpp"
#include "data_preprocessing/base/result.hpp"
#include "serving/config/deployment.hpp"
#include "serving/experiment/experiment.hpp"
#include "serving/process/editions.hpp"
#include "serving/process/experiment_list.hpp"
#include "serving/service/served_pipeline.hpp"
#include "serving/worker/swapper.hpp"

namespace forkcast::serving {

/// What the loop has to know of one experiment.
struct ChallengerNews {
  std::size_t place = 0;  ///< In the list.
  Experiment experiment;  ///< As it is now.
  /// To be compared with; an error: it cannot be had. Null: the experiment is over.
  Result<std::shared_ptr<const ServedPipeline>> pipeline = std::shared_ptr<const ServedPipeline>();
};

/// The deployment that a challenger would be: as its champion, but for what is loaded.
/// kInvalidArgument when the champion has no versions and the plan names one.
[[nodiscard]] Result<Deployment> ChallengerOf(const Deployment& champion,
                                              const ExperimentPlan& plan);

/// Keeps the challengers of one worker to the list of its server, and to what is published: for the
/// worker's loader thread, as the Swapper. Each worker looks for itself at what is published of
/// them: another experiment's files are nobody else's.
class Challengers {
 public:
  /// The source that loads this deployment.
  using MakeSource = std::function<SwapSource(const Deployment&)>;

  /// The references outlive it. `champions`: what is declared, by the names that
  /// it is served by.
  Challengers(const ExperimentList& list, std::vector<Deployment> champions, MakeSource source,
              const Clock& clock, std::uint32_t seed);

  /// What is new since the last turn.
  std::vector<ChallengerNews> Turn();

 private:
  struct Kept {
    std::size_t place = 0;
    Experiment experiment;
    std::shared_ptr<const ServedPipeline> pipeline{};  // null: it could not be loaded
  };

  void Follow(std::vector<ChallengerNews>& news);
  void Drop(const std::vector<Experiment>& listed, std::vector<ChallengerNews>& news);
  void Take(std::size_t place, const Experiment& experiment, std::vector<ChallengerNews>& news);
  Result<std::shared_ptr<const ServedPipeline>> Load(const Experiment& experiment);

  const ExperimentList& list_;
  std::vector<Deployment> champions_;
  MakeSource source_;
  Editions editions_;  // of this worker alone
  Swapper swapper_;
  std::uint64_t version_ = 0;  // of the list, that was followed
  std::vector<Kept> kept_;
  std::vector<std::uint64_t> sources_;  // ids of experiments, in the order of the swapper's sources
};

}  // namespace forkcast::serving
