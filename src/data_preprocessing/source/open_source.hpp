#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "data_preprocessing/base/result.hpp"
#include "data_preprocessing/dao/table_dao.hpp"
#include "data_preprocessing/source/row_source.hpp"
#include "data_preprocessing/table/time_zone.hpp"

namespace forkcast::preprocessing {

/// What a place holds of a table.
struct FoundRows {
  std::vector<std::unique_ptr<RowSource>> sources;  ///< At least one, in the order of their rows.
  std::vector<std::string> skipped;  ///< What is not taken though it lies there, and why.
};

/// A kind of place that holds the rows of a pipeline's tables.
struct SourceKind {
  std::string_view prefix;  ///< What its places begin with ("kafka:"); empty: the path of a folder.
  /// The rows of `table`, one of `tables`, in a place, given without the prefix. kNotFound, naming
  /// where it looked, when they are not there. `zone`, that of timestamps without one, outlives the
  /// sources.
  Result<FoundRows> (*open)(std::string_view place, const TableSpec& table,
                            std::span<const TableSpec> tables, const TimeZone& zone);
};

/// The rows of `table` in `place`, whose kind is the first with a prefix that it begins with.
/// Errors as SourceKind::open.
Result<FoundRows> OpenSources(std::string_view place, const TableSpec& table,
                              std::span<const TableSpec> tables, const TimeZone& zone);

}  // namespace forkcast::preprocessing
