#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace forkcast::client {

/// The date that a time begins with, as `2024-02-29` or `2024-02-29T12:00:00Z`; none: it begins
/// with none.
[[nodiscard]] std::optional<std::chrono::sys_days> DateOf(std::string_view time);

/// The same time of day, with its date so many days later. Precondition: DateOf(time).
[[nodiscard]] std::string Moved(std::string_view time, std::chrono::days by);

}  // namespace forkcast::client
