#pragma once

#include <optional>
#include <string_view>

#include "data_preprocessing/base/clock.hpp"
#include "data_preprocessing/base/result.hpp"
#include "data_preprocessing/table/time_zone.hpp"

namespace forkcast::serving {

/// The instant that the parameter `name` of a query is, as ParseTimestamp() reads it; nothing when
/// it is not there. As QueryParameter(), and kInvalidArgument with the name for what is no time.
[[nodiscard]] Result<std::optional<Instant>> QueryTime(std::string_view query,
                                                       std::string_view name,
                                                       const preprocessing::TimeZone& zone);

}  // namespace forkcast::serving
