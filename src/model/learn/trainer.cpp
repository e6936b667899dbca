#include "model/learn/trainer.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <thread>
#include <utility>

namespace forkcast::model {

using preprocessing::JsonNode;

namespace {

constexpr std::array<std::pair<Task, std::string_view>, 3> kTasks{
    {{Task::kRegression, "regression"},
     {Task::kBinary, "binary"},
     {Task::kMultiClass, "multiclass"}}};

}  // namespace

std::string_view ToString(Task task) noexcept {
  return std::ranges::find(kTasks, task, &std::pair<Task, std::string_view>::first)->second;
}

unsigned ThreadsOf(const LearningSetting& setting) {
  return setting.threads > 0 ? setting.threads : std::max(1U, std::thread::hardware_concurrency());
}

LearningSetting ReadLearningSetting(const JsonNode& node) {
  LearningSetting setting;
  if (const auto task = node.Find("task")) {
    const std::string name = task->String();
    const auto* const known =
        std::ranges::find(kTasks, name, &std::pair<Task, std::string_view>::second);
    if (known == kTasks.end()) task->Fail("expected regression, binary or multiclass");
    setting.task = known->first;
  }
  if (const auto classes = node.Find("classes")) {
    if (setting.task != Task::kMultiClass) {
      classes->Fail("only \"task\": \"multiclass\" has it");
    }
    setting.classes = static_cast<std::size_t>(classes->Integer(2, 10'000));
  }
  if (const auto seed = node.Find("seed")) {
    setting.seed = static_cast<std::uint32_t>(seed->Integer(0, kMostSeed));
  }
  if (const auto threads = node.Find("threads")) {
    setting.threads = static_cast<unsigned>(threads->Integer(0, kMostThreads));
  }
  return setting;
}

std::unique_ptr<const Trainer> MakeTrainer(std::span<const TrainerKind> kinds,
                                           const TrainerDeclaration& declaration) {
  const JsonNode algorithm = declaration.node.Get("algorithm");
  const auto kind = std::ranges::find(kinds, algorithm.String(), &TrainerKind::name);
  if (kind != kinds.end()) return kind->make(declaration);
  std::string names;
  for (const TrainerKind& one : kinds) names.append(names.empty() ? "" : " or ").append(one.name);
  algorithm.Fail("expected " + names);
}

std::size_t ValidationRowsOf(const Trainer& trainer, std::span<const std::int64_t> times) noexcept {
  const std::optional<double> share = trainer.validation_share();
  return share ? ValidationTail(times, *share) : 0;
}

std::size_t ValidationTail(std::span<const std::int64_t> periods, double share) noexcept {
  std::size_t distinct = 0;
  for (std::size_t i = 0; i < periods.size(); ++i) {
    if (i == 0 || periods[i] != periods[i - 1]) ++distinct;
  }
  if (distinct < 2) return 0;
  const auto wanted = static_cast<std::size_t>(std::round(share * static_cast<double>(distinct)));
  std::size_t left = std::clamp<std::size_t>(wanted, 1, distinct - 1);
  std::size_t first = periods.size();
  while (first > 0) {
    const bool is_next_period = first < periods.size() && periods[first - 1] != periods[first];
    if (is_next_period && --left == 0) break;
    --first;
  }
  return periods.size() - first;
}

}  // namespace forkcast::model
