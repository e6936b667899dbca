#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "data_preprocessing/base/clock.hpp"
#include "serving/service/served_pipeline.hpp"

namespace forkcast::serving {

/// How old the data of a series are.
struct DataAge {
  std::string_view series;        ///< A view into the pipeline.
  std::optional<Instant> newest;  ///< When its newest row became known; none without rows.
  /// Until when all that there was is in it (Snapshot::up_to_date()): not before `newest`.
  std::optional<Instant> up_to_date;
  std::chrono::microseconds age{0};  ///< Since then; not negative. Without rows it means nothing.
};

/// Of the series with time that the pipeline reads, in its order, at `now`; with `known_by` as they
/// were at that instant (Snapshot::WatermarkBy()).
[[nodiscard]] std::vector<DataAge> DataAgesOf(const ServedPipeline& pipeline, Instant now,
                                              const std::optional<Instant>& known_by);

/// `{"inventory":{"newest":"2024-02-05T08:00:00Z","age_seconds":12.5}}`; null where there is no
/// row. With `"up_to_date"` where that is later than the newest row.
[[nodiscard]] std::string ToJson(const std::vector<DataAge>& ages);
/// The greatest age in seconds, "12.500"; empty where no series has rows.
[[nodiscard]] std::string OldestText(const std::vector<DataAge>& ages);

}  // namespace forkcast::serving
