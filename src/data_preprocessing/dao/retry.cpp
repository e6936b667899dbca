#include "data_preprocessing/dao/retry.hpp"

namespace forkcast::preprocessing {

std::optional<std::chrono::milliseconds> PauseAfter(int failures, const RetryRules& rules) {
  if (failures >= rules.most_tries) return std::nullopt;
  std::chrono::milliseconds pause = rules.first_pause;
  for (int i = 1; i < failures; ++i) pause *= 2;
  return pause;
}

}  // namespace forkcast::preprocessing
