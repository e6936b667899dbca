#pragma once

#include <memory>
#include <string_view>

#include "data_preprocessing/base/result.hpp"
#include "data_preprocessing/dao/table_dao.hpp"
#include "data_preprocessing/source/row_source.hpp"
#include "data_preprocessing/table/time_zone.hpp"

namespace forkcast::preprocessing {

/// A kind of place that holds the rows of a pipeline's tables.
struct SourceKind {
  std::string_view prefix;  ///< What its places begin with ("kafka:"); empty: the path of a folder.
  /// The rows of `table` in a place, given without the prefix. kNotFound, naming where it looked,
  /// when they are not there. `zone`, that of timestamps without one, outlives the source.
  Result<std::unique_ptr<RowSource>> (*open)(std::string_view place, const TableSpec& table,
                                             const TimeZone& zone);
};

/// The rows of `table` in `place`, whose kind is the first with a prefix that it begins with.
/// Errors as SourceKind::open.
Result<std::unique_ptr<RowSource>> OpenSource(std::string_view place, const TableSpec& table,
                                              const TimeZone& zone);

}  // namespace forkcast::preprocessing
