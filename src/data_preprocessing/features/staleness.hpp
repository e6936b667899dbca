#pragma once

#include <optional>
#include <string>

#include "data_preprocessing/base/clock.hpp"
#include "data_preprocessing/series/series_spec.hpp"

namespace forkcast::preprocessing {

/// What becomes of who asks at `time` for data of a series whose newest row became known at
/// `watermark` (none: it has none): kServe also where they are not too old.
[[nodiscard]] WhenStale StalenessAt(const SeriesSpec& series,
                                    const std::optional<Instant>& watermark, Instant time) noexcept;

/// That they are too old, for the message.
[[nodiscard]] std::string TooOldText(const SeriesSpec& series,
                                     const std::optional<Instant>& watermark, Instant time);

}  // namespace forkcast::preprocessing
