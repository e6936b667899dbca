#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "data_preprocessing/base/clock.hpp"
#include "data_preprocessing/base/result.hpp"
#include "data_preprocessing/table/time_zone.hpp"

namespace forkcast::model {

/// Which part of the past is looked at.
struct DataWindow {
  std::string since;  ///< A timestamp; what is before it is left out. Empty: all.
  std::string until;  ///< A timestamp; what is known only after it is as if it had not happened.
  std::string last;   ///< "120d", "17w" or "4mo": the same as `since`, counted back from the end.
};

/// The instant that `--FLAG TEXT` names. kInvalidArgument.
[[nodiscard]] Result<Instant> ParseWindowTime(std::string_view flag, const std::string& text,
                                              const preprocessing::TimeZone& zone);

/// The day that is `--last SPAN` before `day`: days, weeks or months (of a day that a month does
/// not have, its last). kInvalidArgument.
[[nodiscard]] Result<std::chrono::sys_days> DaysBefore(std::chrono::sys_days day,
                                                       const std::string& span);

}  // namespace forkcast::model
