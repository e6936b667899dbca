#include "serving/worker/loaded_models.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <new>
#include <system_error>

#include "serving/worker/model_path.hpp"

namespace forkcast::serving {
namespace {

using preprocessing::SnapshotPool;
using Outcome = ModelChange::Outcome;

bool IsForWantOfMemory(const std::system_error& error) noexcept {
  return error.code() == std::errc::not_enough_memory ||
         error.code() == std::errc::no_space_on_device;  // of anonymous memory
}

/// What the one who asked can do something about: the place that they gave holds no model.
Error AsAsked(Error error) {
  if (error.code != ErrorCode::kIo && error.code != ErrorCode::kInternal) {
    error.code = ErrorCode::kInvalidArgument;
  }
  return error;
}

Error TakenAlready(const std::string& name) {
  return {ErrorCode::kConflict, fmt::format("Model {} is already registered.", name), "model_name"};
}

}  // namespace

LoadedModels::LoadedModels(ModelList& list, Swapper& swapper, Options options)
    : list_(list), swapper_(swapper), options_(std::move(options)) {
  // Of the worker that was here before; invariants 2 and 3 of ModelList.
  list_.progress(options_.worker).taken.store(0, std::memory_order_release);
  list_.progress(options_.worker).freed.store(0, std::memory_order_release);
}

void LoadedModels::Ask(ModelTask task) {
  const std::lock_guard lock(mutex_);
  asked_.push_back(std::move(task));
}

ModelReport LoadedModels::Boot(std::vector<std::string> declared) {
  declared_ = std::move(declared);
  ModelReport report;
  do {
    Apply(report);
  } while (!list_.Join(options_.worker, taken_));
  told_freed_ = taken_;
  report.taken = taken_;
  report.freed = taken_;
  return report;
}

std::optional<ModelReport> LoadedModels::Turn() {
  swapper_.LetGo();
  std::vector<ModelTask> tasks;
  {
    const std::lock_guard lock(mutex_);
    tasks.swap(asked_);
  }
  ModelReport report;
  for (const ModelTask& task : tasks) {
    if (ModelTaskResult result = Do(task); result.number != 0) {
      report.results.push_back(std::move(result));
    }
  }
  const std::uint64_t before = taken_;
  try {
    if (list_.version() != taken_) Apply(report);
  } catch (const std::exception& error) {
    report.problems.emplace_back(error.what());  // the next turn tries again
  }
  report.taken = taken_;
  report.freed = Freed();
  const bool has_freed = std::exchange(told_freed_, report.freed) != report.freed;
  if (taken_ == before && !has_freed && report.is_empty()) return std::nullopt;
  return report;
}

ModelTaskResult LoadedModels::Do(const ModelTask& task) {
  const auto refused = [&task](Outcome outcome, const char* why) {
    return ModelTaskResult{
        .number = task.number, .outcome = outcome, .error = {ErrorCode::kInternal, why}};
  };
  try {
    switch (task.kind) {
      case ModelTask::Kind::kLoad:
        return Load(task);
      case ModelTask::Kind::kUnload:
        return Unload(task);
      case ModelTask::Kind::kWithdraw:
        list_.Withdraw({.id = task.id, .reason = "it took too long"});
        return {};
    }
  } catch (const std::bad_alloc& error) {
    return refused(Outcome::kNoRoom, error.what());
  } catch (const std::system_error& error) {
    return refused(IsForWantOfMemory(error) ? Outcome::kNoRoom : Outcome::kRefused, error.what());
  }
  return {};
}

ModelTaskResult LoadedModels::Load(const ModelTask& task) {
  const auto refused = [&task](Outcome outcome, Error error) {
    return ModelTaskResult{.number = task.number, .outcome = outcome, .error = std::move(error)};
  };
  const auto no_more = [&] {
    return refused(Outcome::kNoRoom,
                   {ErrorCode::kConflict,
                    fmt::format("{} models are loaded, which is as many as may be (max_models): "
                                "unload one",
                                options_.most)});
  };
  // Before what takes long; what counts is Add().
  const ModelList::Contents listed = list_.Read();
  if (std::ranges::find(listed.models, task.name, &ListedModel::name) != listed.models.end() ||
      std::ranges::find(declared_, task.name) != declared_.end()) {
    return refused(Outcome::kRefused, TakenAlready(task.name));
  }
  if (listed.models.size() >= options_.most) return no_more();
  const Result<std::filesystem::path> place = ResolveModelPath(task.url, options_.root);
  if (!place) return refused(Outcome::kRefused, place.error());
  ListedModel model{.name = task.name, .url = task.url, .place = place->string()};
  SnapshotPool pool;
  Loaded loaded = LoadOne(model, pool);
  if (!loaded.attempt.loaded) {
    return refused(loaded.no_room ? Outcome::kNoRoom : Outcome::kRefused,
                   AsAsked(std::move(loaded.attempt.loaded).error()));
  }
  if (!options_.has_room()) {
    return refused(Outcome::kNoRoom,
                   {ErrorCode::kConflict,
                    "with this model the worker takes more memory than it may (max_memory_mb)"});
  }
  const ModelList::Change change = list_.Add(std::move(model), options_.most);
  switch (change.outcome) {
    case ModelList::Outcome::kNone:
      return refused(Outcome::kRefused, TakenAlready(task.name));
    case ModelList::Outcome::kFull:
      return no_more();
    case ModelList::Outcome::kDone:
      break;
  }
  at_hand_.emplace_back(change.version, std::move(loaded));
  return {.number = task.number, .version = change.version};
}

ModelTaskResult LoadedModels::Unload(const ModelTask& task) {
  const ModelList::Change change = list_.Remove(task.name);
  if (change.outcome == ModelList::Outcome::kDone) {
    return {.number = task.number, .version = change.version};
  }
  return {.number = task.number,
          .outcome = Outcome::kRefused,
          .error = {ErrorCode::kNotFound, fmt::format("Model not found: {}", task.name)}};
}

LoadedModels::Loaded LoadedModels::LoadOne(const ListedModel& model, SnapshotPool& pool) const {
  const auto failed = [](bool no_room, const char* why) {
    return Loaded{.attempt = {.loaded = Error{ErrorCode::kInternal, why}}, .no_room = no_room};
  };
  try {
    return {.attempt = options_.source(model).load({}, pool)};
  } catch (const std::bad_alloc& error) {
    return failed(true, error.what());
  } catch (const std::system_error& error) {
    return failed(IsForWantOfMemory(error), error.what());
  } catch (const std::exception& error) {
    return failed(false, error.what());
  }
}

LoadedModels::Loaded LoadedModels::Take(const ListedModel& model, SnapshotPool& pool) {
  if (std::ranges::find(declared_, model.name) != declared_.end()) {
    return {.attempt = {.loaded = Error{ErrorCode::kConflict, "settings declare one so called"}}};
  }
  const auto at_hand =
      std::ranges::find(at_hand_, model.id, &std::pair<std::uint64_t, Loaded>::first);
  return at_hand == at_hand_.end() ? LoadOne(model, pool) : std::move(at_hand->second);
}

void LoadedModels::Apply(ModelReport& report) {
  while (true) {
    const ModelList::Contents contents = list_.Read();
    DropUnlisted(contents, report);
    if (!KeepListed(contents, report)) continue;
    taken_ = contents.version;
    report.withdrawn = contents.withdrawn;
    at_hand_.clear();
    return;
  }
}

void LoadedModels::DropUnlisted(const ModelList::Contents& contents, ModelReport& report) {
  std::erase_if(kept_, [&](const ListedModel& kept) {
    if (std::ranges::find(contents.models, kept.id, &ListedModel::id) != contents.models.end()) {
      return false;
    }
    swapper_.Drop(kept.id);
    left_.push_back({.id = kept.id, .before = taken_});
    // It may have come with the same report: then nobody has heard of it.
    if (std::erase_if(report.added, [&kept](const ModelArrival& added) {
          return added.name == kept.name;
        }) == 0) {
      report.dropped.push_back(kept.name);
    }
    return true;
  });
}

bool LoadedModels::KeepListed(const ModelList::Contents& contents, ModelReport& report) {
  bool all = true;
  SnapshotPool pool;
  for (const ListedModel& model : contents.models) {
    if (std::ranges::find(kept_, model.id, &ListedModel::id) != kept_.end()) continue;
    const Loaded loaded = Take(model, pool);
    if (!loaded.attempt.loaded) {
      const std::string& why = loaded.attempt.loaded.error().message;
      report.problems.push_back(fmt::format("model \"{}\" is withdrawn: {}", model.name, why));
      list_.Withdraw({.id = model.id, .no_room = loaded.no_room, .reason = why});
      all = false;
      continue;
    }
    report.added.push_back(
        {.name = model.name, .url = model.url, .pipeline = *loaded.attempt.loaded});
    swapper_.Keep(options_.source(model), loaded.attempt);
    kept_.push_back(model);
  }
  return all;
}

std::uint64_t LoadedModels::Freed() {
  std::erase_if(left_, [this](const Left& one) { return !swapper_.IsHeld(one.id); });
  std::uint64_t freed = taken_;
  for (const Left& one : left_) freed = std::min(freed, one.before);
  return freed;
}

}  // namespace forkcast::serving
