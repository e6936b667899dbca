#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "data_preprocessing/base/clock.hpp"
#include "serving/process/model_list.hpp"
#include "serving/process/worker_slot.hpp"
#include "serving/service/model_control.hpp"

namespace forkcast::serving {

/// What the loader's thread is asked to do to the list of models.
struct ModelTask {
  enum class Kind {
    kLoad,
    kUnload,
    kWithdraw,  ///< The model of `id`, for which nobody waits any more.
  };
  Kind kind = Kind::kLoad;
  std::uint64_t number = 0;  ///< Of the task.
  std::string name{};
  std::string url{};
  std::uint64_t id = 0;
};

/// What became of a task.
struct ModelTaskResult {
  std::uint64_t number = 0;
  /// kPending: this worker has done its part, and the list is of `version`.
  ModelChange::Outcome outcome = ModelChange::Outcome::kPending;
  Error error{};
  std::uint64_t version = 0;
};

/// Follows the loading and unloading of models that one worker was asked for, until all workers of
/// the server have done it. Belongs to the loop: touches no file, and waits for nothing.
class ModelChanges final : public ModelControl {
 public:
  /// As long as SageMaker waits for an unload, less what the answer takes.
  static constexpr std::chrono::seconds kLongest{350};

  /// Calls `ask` for what the loader's thread has to do. What is referred to outlives the object.
  /// `worker`: our place among the slots. `root`: below which models lie.
  ModelChanges(ModelList& list, std::span<const WorkerSlot> slots, std::size_t worker,
               const Clock& clock, std::filesystem::path root, std::function<void(ModelTask)> ask);

  [[nodiscard]] std::string UsualUrl(const std::string& name) const override;

  std::shared_ptr<const ModelChange> Load(const std::string& name, const std::string& url,
                                          MonotonicTime deadline) override;
  std::shared_ptr<const ModelChange> Unload(const std::string& name,
                                            MonotonicTime deadline) override;

  void OnResult(const ModelTaskResult& result);
  /// Some worker could not load it. To be told before our progress is.
  void OnWithdrawn(const WithdrawnModel& model);
  /// Looks how far the workers are, and at the clock.
  void Look();
  /// Whether there is anything to look for.
  [[nodiscard]] bool waits() const noexcept { return !open_.empty(); }

 private:
  struct Open {
    ModelTask task;
    MonotonicTime deadline;
    std::uint64_t version = 0;  // of the list, when our part is done
    std::shared_ptr<ModelChange> change;
  };

  std::shared_ptr<const ModelChange> Begin(ModelTask task, MonotonicTime deadline);
  /// Whether every worker that takes part is as far as that, and this one as far as each.
  [[nodiscard]] bool IsEverywhere(const Open& open) const;
  void GiveUp(const Open& open);

  ModelList& list_;
  std::span<const WorkerSlot> slots_;
  std::size_t worker_;
  const Clock& clock_;
  std::filesystem::path root_;
  std::function<void(ModelTask)> ask_;
  std::vector<Open> open_;
  std::uint64_t last_number_ = 0;
};

}  // namespace forkcast::serving
