#pragma once

#include <string>

#include "data_preprocessing/table/csv_dialect.hpp"
#include "data_preprocessing/table/schema.hpp"

namespace forkcast::preprocessing {

/// The fields that a row to be scored brings along.
struct RequestSpec {
  Schema fields;
  std::string time;                   ///< The field that says at which instant features are read.
  bool time_defaults_to_now = false;  ///< Else a row without time is an error.

  bool csv_has_header = true;  ///< Where a request in CSV does not say.
  CsvDialect csv{};            ///< How a request in CSV is written.

  friend bool operator==(const RequestSpec&, const RequestSpec&) = default;
};

}  // namespace forkcast::preprocessing
