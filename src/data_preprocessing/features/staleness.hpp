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

/// The same of one key, whose row in force is of `newest`.
[[nodiscard]] WhenStale AgeRuleAt(const SeriesSpec& series, Instant newest, Instant time) noexcept;

/// That the key's newest row is too old, for the message.
[[nodiscard]] std::string KeyTooOldText(const SeriesSpec& series, const std::string& key,
                                        Instant newest, Instant time);

/// That they are too old, for the message.
[[nodiscard]] std::string TooOldText(const SeriesSpec& series,
                                     const std::optional<Instant>& watermark, Instant time);

}  // namespace forkcast::preprocessing
