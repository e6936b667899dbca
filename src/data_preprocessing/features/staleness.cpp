#include "data_preprocessing/features/staleness.hpp"

#include <fmt/format.h>

#include "data_preprocessing/table/parse_value.hpp"

namespace forkcast::preprocessing {

WhenStale StalenessAt(const SeriesSpec& series, const std::optional<Instant>& watermark,
                      Instant time) noexcept {
  if (series.is_static() || !series.max_staleness) return WhenStale::kServe;
  if (watermark && time - *watermark <= *series.max_staleness) return WhenStale::kServe;
  return series.when_stale;
}

WhenStale AgeRuleAt(const SeriesSpec& series, Instant newest, Instant time) noexcept {
  if (!series.max_age || time - newest <= *series.max_age) return WhenStale::kServe;
  return series.when_stale;
}

std::string KeyTooOldText(const SeriesSpec& series, const std::string& key, Instant newest,
                          Instant time) {
  const auto hours = [](auto span) {
    return std::chrono::duration_cast<std::chrono::hours>(span).count();
  };
  return fmt::format(
      "the newest row of {} in series \"{}\" is of {}, {} hours old at {}: \"max_age\" is {} hours",
      key, series.name, IsoTimestamp(newest), hours(time - newest), IsoTimestamp(time),
      hours(*series.max_age));
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
