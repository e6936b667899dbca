#pragma once

#include <memory>
#include <span>

#include "serving/metrics/series.hpp"

namespace forkcast::serving {

/// A slot's block of series that nobody shares.
struct TestSeries {
  std::unique_ptr<SeriesBlock> block = std::make_unique<SeriesBlock>();
  SeriesWriter writer{*block};

  [[nodiscard]] std::span<const SeriesBlock> blocks() const noexcept { return {block.get(), 1}; }
};

}  // namespace forkcast::serving
