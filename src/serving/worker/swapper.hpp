#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "data_preprocessing/base/clock.hpp"
#include "data_preprocessing/base/result.hpp"
#include "serving/process/editions.hpp"
#include "serving/service/load_deployments.hpp"
#include "serving/worker/swap_plan.hpp"

namespace forkcast::serving {

/// A deployment as a Swapper knows it.
struct SwapSource {
  std::string name;
  std::string origin;    ///< Who declared it, for the error of a boot.
  std::uint64_t id = 0;  ///< Of a model that was loaded since (ListedModel); 0: it is declared.
  /// As LoadDeployment().
  std::function<LoadAttempt(const LoadedDeployment& serves, preprocessing::SnapshotPool& pool)>
      load;
};

/// One that is to serve from now on.
struct Swap {
  std::size_t source = 0;  ///< Its place among those that are kept.
  std::shared_ptr<const ServedPipeline> pipeline;
  std::vector<std::shared_ptr<const Route>> routes{};  ///< Bound to it.
  std::chrono::milliseconds took{};
};

/// One that could not be loaded.
struct SwapFailure {
  std::size_t source = 0;
  Error error;
  bool is_known = false;  ///< The attempt before ended alike.
};

/// What the loop has to know after a turn.
struct SwapReport {
  std::vector<Swap> swaps{};
  std::vector<SwapFailure> failures{};
  /// Why what is published does not serve, of each deployment that it holds of; empty: it does.
  std::string failure{};
  /// All that was published up to this one serves when the swaps are done (Editions).
  std::uint64_t edition = 0;
  /// When the oldest of all snapshots was published; none when there are none.
  std::optional<Instant> oldest_snapshot{};
};

/// Keeps the deployments of one worker to what is published, with the Editions by which its
/// server's workers tell each other. For the worker's loader thread: everything here may block on
/// the disk, and what is replaced is let go here when no request holds it any more, since unmapping
/// large files takes time, too. One deployment is loaded after the other, one attempt at a time;
/// what is published meanwhile differs from what was looked at before, so the next turn takes it:
/// nothing is lost, and of many changes in a row only some of the states between are ever loaded.
class Swapper {
 public:
  /// `editions` and `clock` outlive the swapper. `seed` keeps the retries of several workers apart.
  Swapper(std::vector<SwapSource> sources, Editions& editions, const Clock& clock,
          std::uint32_t seed, SwapPlan::Look look = FileIdentity::At);

  /// Loads all of them for the first time. An error is that of the first that cannot be, and is
  /// DeclaredBy().
  Result<SwapReport> Boot();
  /// Looks at what is published if it is this worker's turn or another one found something, and
  /// loads what differs. None when there is nothing to tell. Precondition: Boot() was ok.
  std::optional<SwapReport> Turn();

  /// Keeps one more, behind the others, which somebody has loaded. Precondition: `made` is loaded.
  void Keep(SwapSource source, const LoadAttempt& made);
  /// Keeps the one of this id no longer.
  void Drop(std::uint64_t id);

  /// Lets go what was replaced or dropped, and is held by no request any more.
  void LetGo();
  /// Pipelines that were replaced or dropped and are still held.
  [[nodiscard]] std::size_t retired() const noexcept { return retired_.size(); }
  /// Whether one of the source of this id is among them.
  [[nodiscard]] bool IsHeld(std::uint64_t id) const noexcept;

 private:
  struct Kept {
    SwapSource source;
    SwapPlan plan;
    LoadedDeployment serves{};
    std::string failure{};  // empty: what is published is what serves
  };
  struct Retired {
    std::uint64_t id = 0;  // of its source
    std::shared_ptr<const ServedPipeline> pipeline;
  };

  /// Whether it is loaded now; if not, the report says why.
  bool Load(std::size_t number, SwapReport& report);
  /// With what holds of all of them.
  void Complete(SwapReport& report) const;

  std::vector<Kept> kept_;
  Editions& editions_;
  const Clock& clock_;
  const std::uint32_t seed_;
  SwapPlan::Look look_;
  std::vector<Retired> retired_;
  preprocessing::SnapshotPool pool_;  // what is served: the next publication has much of it, too
  std::uint64_t looked_at_ = 0;       // the edition
  std::uint64_t edition_ = 0;         // that is served
};

}  // namespace forkcast::serving
