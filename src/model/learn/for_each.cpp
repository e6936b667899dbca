#include "model/learn/for_each.hpp"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

namespace forkcast::model {

Status ForEach(std::size_t count, unsigned threads,
               const std::function<Status(std::size_t, bool is_caller)>& work) {
  std::atomic<std::size_t> next{0};
  std::atomic<bool> stopped{false};
  std::mutex mutex;
  std::optional<std::pair<std::size_t, Error>> failed;
  const auto run = [&](bool is_caller) {
    for (std::size_t i = next++; i < count && !stopped; i = next++) {
      const Status done = work(i, is_caller);
      if (done) continue;
      const std::lock_guard lock(mutex);
      if (!failed || i < failed->first) failed.emplace(i, done.error());
      stopped = true;
    }
  };
  {
    std::vector<std::jthread> others;
    for (std::size_t i = 1; i < std::min<std::size_t>(threads, count); ++i) {
      others.emplace_back(run, false);
    }
    run(true);
  }
  if (failed) return std::move(failed->second);
  return {};
}

}  // namespace forkcast::model
