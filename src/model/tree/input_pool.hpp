#pragma once

#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "model/model.hpp"

namespace forkcast::model {

using InputColumns = std::vector<InputColumn>;

/// Keeps once what many models read alike: those of a version, one a key, read the same columns,
/// whose names would take more memory than all else that a worker has of its own. Thread-safe.
class InputPool {
 public:
  /// Columns equal to these. O(different columns so far).
  [[nodiscard]] std::shared_ptr<const InputColumns> Share(
      std::shared_ptr<const InputColumns> columns) {
    const std::scoped_lock lock(mutex_);
    for (const auto& known : known_) {
      if (*known == *columns) return known;
    }
    return known_.emplace_back(std::move(columns));
  }

 private:
  std::mutex mutex_;
  std::vector<std::shared_ptr<const InputColumns>> known_;
};

}  // namespace forkcast::model
