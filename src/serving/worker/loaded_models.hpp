#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "serving/process/model_list.hpp"
#include "serving/worker/model_changes.hpp"
#include "serving/worker/swapper.hpp"

namespace forkcast::serving {

/// A model that is to answer from now on.
struct ModelArrival {
  std::string name;
  std::string url;
  std::shared_ptr<const ServedPipeline> pipeline;
};

/// What the loop has to know after a turn, in the order in which it is to be done.
struct ModelReport {
  std::vector<std::string> dropped{};  ///< Names that answer no more.
  std::vector<ModelArrival> added{};
  std::vector<WithdrawnModel> withdrawn{};  ///< The last ones of the list.
  std::vector<std::string> problems{};      ///< For the log.
  std::uint64_t taken = 0;                  ///< As ModelList::WorkerProgress,
  std::uint64_t freed = 0;                  ///< when all before is done.
  std::vector<ModelTaskResult> results{};

  [[nodiscard]] bool is_empty() const noexcept {
    return dropped.empty() && added.empty() && problems.empty() && results.empty();
  }
};

/// Keeps the models of one worker to the list of its server, and changes the list for whoever asks
/// this worker. For the worker's loader thread, as the Swapper, which watches the models' snapshots
/// from then on; Ask() alone is for the loop. A model that is listed and cannot be loaded, be it by
/// a worker that boots, is withdrawn for all: workers never differ in what they answer for longer
/// than it takes to look.
class LoadedModels {
 public:
  struct Options {
    std::size_t worker = 0;          ///< Our place.
    std::filesystem::path root;      ///< Below which models lie.
    std::size_t most = 0;            ///< So many may be loaded.
    std::function<bool()> has_room;  ///< Whether memory allows what has just been loaded.
    /// The source of a model at a place; its load() as LoadDeployment().
    std::function<SwapSource(const ListedModel& model)> source;
  };
  /// `list` and `swapper` outlive the object.
  LoadedModels(ModelList& list, Swapper& swapper, Options options);

  /// May be called by another thread than the rest.
  void Ask(ModelTask task);

  /// Loads all that is listed, for a worker that boots, and takes part. `declared` are names that
  /// no loaded model can have. Precondition: the swapper has booted.
  ModelReport Boot(std::vector<std::string> declared);
  /// Does what was asked, then what was listed meanwhile. None when there is nothing to tell.
  std::optional<ModelReport> Turn();

 private:
  struct Left {
    std::uint64_t id = 0;
    std::uint64_t before = 0;  // the version that it was kept by
  };
  /// What came of a load.
  struct Loaded {
    LoadAttempt attempt;
    bool no_room = false;
  };

  ModelTaskResult Do(const ModelTask& task);
  ModelTaskResult Load(const ModelTask& task);
  ModelTaskResult Unload(const ModelTask& task);
  [[nodiscard]] Loaded LoadOne(const ListedModel& model, preprocessing::SnapshotPool& pool) const;
  /// What is listed, loaded now or before.
  [[nodiscard]] Loaded Take(const ListedModel& model, preprocessing::SnapshotPool& pool);
  void Apply(ModelReport& report);
  void DropUnlisted(const ModelList::Contents& contents, ModelReport& report);
  /// Whether all that is listed is kept now.
  bool KeepListed(const ModelList::Contents& contents, ModelReport& report);
  [[nodiscard]] std::uint64_t Freed();

  ModelList& list_;
  Swapper& swapper_;
  Options options_;
  std::mutex mutex_;
  std::vector<ModelTask> asked_;  // under mutex_
  std::vector<std::string> declared_;
  std::vector<ListedModel> kept_;
  std::vector<std::pair<std::uint64_t, Loaded>> at_hand_;  // loaded before they were listed, by id
  std::vector<Left> left_;                                 // dropped, and held by requests
  std::uint64_t taken_ = 0;
  std::uint64_t told_freed_ = 0;
};

}  // namespace forkcast::serving
