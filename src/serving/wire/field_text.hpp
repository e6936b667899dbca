#pragma once

#include <string_view>

#include "data_preprocessing/base/result.hpp"
#include "data_preprocessing/table/parse_value.hpp"
#include "data_preprocessing/table/schema.hpp"
#include "data_preprocessing/table/table.hpp"
#include "data_preprocessing/table/time_zone.hpp"

namespace forkcast::wire {

/// Appends what a text says to the column of a field of text or of time. Answers and examples write
/// times in our own way, whatever is declared, and may come back.
inline Status AppendFieldText(std::string_view text, const preprocessing::ColumnSpec& field,
                              const preprocessing::TimeZone& zone, preprocessing::Column& column) {
  Status parsed = preprocessing::AppendParsed(text, field.format, zone, column);
  if (!parsed && field.format.time && preprocessing::AppendParsed(text, zone, column)) return {};
  return parsed;
}

}  // namespace forkcast::wire
