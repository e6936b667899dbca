#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "data_preprocessing/table/csv_dialect.hpp"
#include "data_preprocessing/table/csv_scanner.hpp"
#include "data_preprocessing/table/schema.hpp"
#include "data_preprocessing/table/time_zone.hpp"

/// What a refused file looks like, and what to write into the pipeline so that it is taken. Only
/// asked once something was refused, so nothing here is fast.
namespace forkcast::preprocessing {

/// What the file is when its first bytes say that it is no text at all ("a zip"), or one in another
/// encoding than `encoding`.
[[nodiscard]] std::optional<std::string> NoCsvBecause(std::string_view first_bytes,
                                                      CsvEncoding encoding);

/// To be put behind the message of what was refused: begins with ": " or is empty.
/// Of a field that is no value of `column`.
[[nodiscard]] std::string HintOfField(std::string_view text, const ColumnSpec& column,
                                      const CsvDialect& dialect, const TimeZone& zone);
/// Of a header without `column`.
[[nodiscard]] std::string HintOfHeader(const std::vector<CsvField>& header,
                                       const ColumnSpec& column, const CsvDialect& dialect);
/// Of a line that was refused, when its bytes are not UTF-8.
[[nodiscard]] std::string HintOfBytes(std::string_view text, const CsvDialect& dialect);

/// Whether these are the words of a bool that people write, "yes" and "no" or the like; the first
/// is that of true.
[[nodiscard]] bool AreBoolWords(std::string_view yes, std::string_view no) noexcept;

/// What people write for a missing value.
[[nodiscard]] bool LooksMissing(std::string_view text) noexcept;

/// The ways of writing numbers that are common, the plain one first; of each dialect `decimal` and
/// `thousands` count.
[[nodiscard]] const std::vector<CsvDialect>& NumberStyles();

}  // namespace forkcast::preprocessing
