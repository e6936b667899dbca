#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>

#include "data_preprocessing/base/clock.hpp"
#include "data_preprocessing/base/result.hpp"
#include "data_preprocessing/dao/table_dao.hpp"
#include "data_preprocessing/table/table.hpp"
#include "model/forecast/forecaster.hpp"
#include "serving/bulk/row_sink.hpp"

namespace forkcast::serving {

/// The table of forecasts: the key's fields, `origin` and `period` as answers say them, `step`,
/// `value`, `cold_start`, and the bounds of `levels`; a key, an origin and a step are there once.
/// kInvalidArgument where a key's field is called as one of the others.
[[nodiscard]] Result<preprocessing::TableSpec> ForecastTable(
    const preprocessing::PipelineSpec& spec, std::span<const double> levels, std::string name);

/// What is asked of all keys alike, beside what their rows say.
struct BulkQuestion {
  std::optional<std::int64_t> steps{};
  Instant now;
  std::optional<Instant> origin{};  ///< What the rows say of it, where they all say the same.
};

enum class WhenRefused {
  kStop,  ///< A key that cannot be forecast is the end.
  kSkip,  ///< It is left out.
};

struct BulkOptions {
  WhenRefused when_refused = WhenRefused::kStop;
  unsigned threads = 1;
  /// Keys that are done, of how many; true stops.
  std::function<bool(std::size_t done, std::size_t total)> on_keys{};
};

struct BulkCounts {
  std::size_t keys = 0;
  std::size_t rows = 0;
  std::size_t refused = 0;
  std::size_t ended = 0;  ///< Keys that nobody asked for, as KeysToForecast::ended.
  std::string first_refusal{};
  bool stopped = false;
};

/// Keys to forecast, each a row to ask with.
struct KeysToForecast {
  preprocessing::Table rows;
  std::size_t ended = 0;  ///< Keys that are not among them, since they have ended.
};
/// The keys of `forecaster`'s series that have a period by `origin` (none: by the newest) and have
/// not ended, as of it. As Forecaster::PeriodAt().
[[nodiscard]] Result<KeysToForecast> AllKeys(const model::Forecaster& forecaster,
                                             const std::optional<Instant>& origin);

/// Forecasts every row of `keys` (the pipeline's request fields) and writes what comes of it into
/// `sink` (schema: ForecastTable()), in the rows' order. Leaves Finish() to the caller. Errors as
/// RowSink::Write(), and as ForecastSession::Forecast(), with the key, of the first row that is
/// refused where that is the end.
/// Precondition: what is asked can be forecast at all (Forecaster::Check()).
[[nodiscard]] Result<BulkCounts> ForecastAll(const model::Forecaster& forecaster,
                                             const preprocessing::Table& keys,
                                             const BulkQuestion& question,
                                             const BulkOptions& options, RowSink& sink);

}  // namespace forkcast::serving
