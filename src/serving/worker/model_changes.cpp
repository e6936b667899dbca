#include "serving/worker/model_changes.hpp"

#include <algorithm>
#include <atomic>
#include <utility>

namespace forkcast::serving {
namespace {

using Outcome = ModelChange::Outcome;
using Kind = ModelTask::Kind;

}  // namespace

ModelChanges::ModelChanges(ModelList& list, std::span<const WorkerSlot> slots, std::size_t worker,
                           const Clock& clock, std::filesystem::path root,
                           std::function<void(ModelTask)> ask)
    : list_(list),
      slots_(slots),
      worker_(worker),
      clock_(clock),
      root_(std::move(root)),
      ask_(std::move(ask)) {}

std::string ModelChanges::UsualUrl(const std::string& name) const { return root_ / name; }

std::shared_ptr<const ModelChange> ModelChanges::Load(const std::string& name,
                                                      const std::string& url,
                                                      MonotonicTime deadline) {
  return Begin({.kind = Kind::kLoad, .name = name, .url = url}, deadline);
}

std::shared_ptr<const ModelChange> ModelChanges::Unload(const std::string& name,
                                                        MonotonicTime deadline) {
  return Begin({.kind = Kind::kUnload, .name = name}, deadline);
}

std::shared_ptr<const ModelChange> ModelChanges::Begin(ModelTask task, MonotonicTime deadline) {
  task.number = ++last_number_;
  auto change = std::make_shared<ModelChange>();
  open_.push_back({.task = task,
                   .deadline = std::min(deadline, clock_.Monotonic() + kLongest),
                   .change = change});
  ask_(std::move(task));
  return change;
}

void ModelChanges::OnResult(const ModelTaskResult& result) {
  const auto open = std::ranges::find_if(
      open_, [&result](const Open& one) { return one.task.number == result.number; });
  if (open == open_.end()) {
    // Too late: its asker was told that it was given up.
    if (result.outcome != Outcome::kPending) return;
    return ask_({.kind = Kind::kWithdraw, .id = result.version});
  }
  if (result.outcome == Outcome::kPending) {
    open->version = result.version;
    return;
  }
  open->change->error = result.error;
  open->change->outcome = result.outcome;
  open_.erase(open);
}

void ModelChanges::OnWithdrawn(const WithdrawnModel& model) {
  std::erase_if(open_, [&model](const Open& open) {
    if (open.task.kind != Kind::kLoad || open.version != model.id) return false;
    open.change->error = {ErrorCode::kInvalidArgument, model.reason};
    open.change->outcome = model.no_room ? Outcome::kNoRoom : Outcome::kRefused;
    return true;
  });
}

void ModelChanges::Look() {
  const MonotonicTime now = clock_.Monotonic();
  std::erase_if(open_, [&](const Open& open) {
    if (open.version != 0 && IsEverywhere(open)) {
      open.change->outcome = Outcome::kDone;
      return true;
    }
    if (now < open.deadline) return false;
    GiveUp(open);
    return true;
  });
}

bool ModelChanges::IsEverywhere(const Open& open) const {
  std::uint64_t furthest = 0;
  for (std::size_t i = 0; i < slots_.size(); ++i) {
    if (slots_[i].State() == WorkerState::kEmpty) continue;
    const ModelList::WorkerProgress& progress = list_.progress(i);
    const std::uint64_t taken = progress.taken.load(std::memory_order_acquire);
    if (taken == 0) continue;  // invariant 2 of ModelList
    const bool unloads = open.task.kind == Kind::kUnload;
    const std::uint64_t done = unloads ? progress.freed.load(std::memory_order_acquire) : taken;
    if (done < open.version) return false;
    furthest = std::max(furthest, taken);
  }
  // One that could not load it has withdrawn it, and we hear of that with the version that says so.
  return list_.progress(worker_).taken.load(std::memory_order_acquire) >= furthest;
}

void ModelChanges::GiveUp(const Open& open) {
  const bool loads = open.task.kind == Kind::kLoad;
  if (loads && open.version != 0) ask_({.kind = Kind::kWithdraw, .id = open.version});
  open.change->error = {ErrorCode::kDeadlineExceeded,
                        loads ? "not every worker could load the model in time; none serves it"
                              : "the model is unloaded for new requests, but some that it answers "
                                "are not done yet"};
  open.change->outcome = Outcome::kRefused;
}

}  // namespace forkcast::serving
