#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "data_preprocessing/follow/feed.hpp"

namespace forkcast::preprocessing {

/// Tables that others fill: takes nothing in, and tells when the store has changed.
class StoreFeed final : public Feed {
 public:
  explicit StoreFeed(std::chrono::milliseconds every) noexcept : every_(every) {}

  Result<FeedTurn> Take(TableDao& dao, MonotonicTime now) override;

 private:
  std::chrono::milliseconds every_;
  std::optional<std::string> mark_;
};

}  // namespace forkcast::preprocessing
