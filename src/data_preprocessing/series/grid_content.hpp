#pragma once

#include <cstddef>
#include <string>

#include "data_preprocessing/series/grid_aggregator.hpp"
#include "data_preprocessing/series/series_spec.hpp"
#include "data_preprocessing/series/snapshot_content.hpp"

namespace forkcast::preprocessing {

/// The periods of a grid.
class GridContent final : public SnapshotContent {
 public:
  /// `spec` must outlive the object.
  GridContent(const SeriesSpec& spec, Grid grid) : spec_(spec), grid_(std::move(grid)) {}

  [[nodiscard]] snapshot_format::Header header() const override;
  void WriteKeys(SectionWriter& writer) override;
  void WriteTimes(SectionWriter& writer) override;
  void WriteColumn(std::size_t column, SectionWriter& writer) override;
  void WriteValueSteps(std::size_t column, SectionWriter& writer) override;
  [[nodiscard]] const std::string& left_out() const noexcept override { return grid_.left_out; }

 private:
  const SeriesSpec& spec_;
  Grid grid_;
};

}  // namespace forkcast::preprocessing
