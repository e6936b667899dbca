#include "model/learn/xgboost/trainer.hpp"

#include <algorithm>
#include <cmath>
#include <thread>

#include "model/learn/xgboost/trainer_kinds.hpp"

namespace forkcast::model {

unsigned ThreadsOf(const TrainerOptions& options) {
  return options.threads > 0 ? options.threads : std::max(1U, std::thread::hardware_concurrency());
}

std::unique_ptr<Trainer> MakeTrainer(const TrainerOptions& options) {
  return KindOf(options.algorithm).make(options);
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
