#include "data_preprocessing/features/staleness.hpp"

#include "data_preprocessing/table/parse_value.hpp"

namespace forkcast::preprocessing {

WhenStale StalenessAt(const SeriesSpec& series, const std::optional<Instant>& watermark,
                      Instant time) noexcept {
  if (series.is_static() || !series.max_staleness) return WhenStale::kServe;
  if (watermark && time - *watermark <= *series.max_staleness) return WhenStale::kServe;
  return series.when_stale;
}

std::string TooOldText(const SeriesSpec& series, const std::optional<Instant>& watermark,
                       Instant time) {
  std::string message = "the newest data of series \"" + series.name + "\"";
  if (watermark) {
    message += " are of ";
    AppendIsoTimestamp(*watermark, message);
    message += ", too old for ";
    AppendIsoTimestamp(time, message);
  } else {
    message += " are none";
  }
  return message;
}

}  // namespace forkcast::preprocessing
