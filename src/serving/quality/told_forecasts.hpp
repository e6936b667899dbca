#pragma once

#include <filesystem>
#include <string>

#include "data_preprocessing/base/result.hpp"
#include "model/forecast/forecast_version.hpp"
#include "model/quality/quality_report.hpp"

namespace forkcast::serving {

/// Where answers are looked for, and the truth.
struct QualitySources {
  std::filesystem::path captures{};  ///< As VisitCaptures().
  std::string forecasts{};           ///< Instead: `table:NAME` of the store, or a CSV file.
  std::string deployment{};          ///< Of captures; empty: all.
  std::string store{};
  std::filesystem::path snapshots{};
  std::size_t window = 0;  ///< Periods of a forecast, rows of a classifier; 0: as many as a fold.
};

/// Judges what a version of a forecast was told to have forecast by the values that the published
/// snapshots have now. Errors as the sources have them; kRefusedData when the version has no folds
/// to compare with, or its training ended in no period of the series.
[[nodiscard]] Result<model::QualityFindings> JudgeForecasts(const model::ForecastVersion& version,
                                                            const QualitySources& sources);

}  // namespace forkcast::serving
