#pragma once

#include <cstdint>
#include <string_view>

#include "data_preprocessing/base/clock.hpp"
#include "data_preprocessing/base/result.hpp"
#include "data_preprocessing/table/column_format.hpp"
#include "data_preprocessing/table/table.hpp"
#include "data_preprocessing/table/time_zone.hpp"

namespace forkcast::preprocessing {

/// The forms of a timestamp that are accepted, for messages.
inline constexpr std::string_view kTimestampForms =
    "YYYY-MM-DD, YYYY-MM-DD HH:MM:SS or ISO 8601 with T and Z or an offset";

/// Reads `YYYY-MM-DD`, `YYYY-MM-DD HH:MM:SS` or ISO 8601 (`T` for the blank; 1 to 9 digits of a
/// second, cut to microseconds; `Z`, `+HH:MM`, `+HHMM` or `+HH` behind). Without zone it is wall
/// time in `zone`; a date alone is its midnight. kInvalidArgument for anything else, years before
/// 1 or after 9999, seconds of 60, and wall times that `zone` never showed. No allocation unless
/// it fails.
Result<Instant> ParseTimestamp(std::string_view text, const TimeZone& zone);

/// `2021-07-04T20:31:02Z`, with six digits of a second only when there are any. Appends to `out`.
void AppendIsoTimestamp(Instant instant, std::string& out);
[[nodiscard]] std::string IsoTimestamp(Instant instant);

/// Decimal digits with an optional minus; nothing else. kInvalidArgument otherwise.
Result<std::int64_t> ParseInt64(std::string_view text);
/// A finite decimal number, `.` as its point, exponent allowed; one that is too small is 0.
/// kInvalidArgument otherwise.
Result<double> ParseDouble(std::string_view text);
/// true/false, True/False, TRUE/FALSE, 1/0. kInvalidArgument otherwise.
Result<bool> ParseBool(std::string_view text);

/// Appends `text` to `column` as a value of its type; text columns take it as it is.
/// kInvalidArgument, and no change, when it is no such value.
Status AppendParsed(std::string_view text, const TimeZone& zone, Column& column);
/// The same where the column may declare how its values are written.
Status AppendParsed(std::string_view text, const ColumnFormat& format, const TimeZone& zone,
                    Column& column);

}  // namespace forkcast::preprocessing
