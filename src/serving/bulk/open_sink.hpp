#pragma once

#include <memory>
#include <ostream>
#include <string>

#include "data_preprocessing/base/result.hpp"
#include "data_preprocessing/dao/table_dao.hpp"
#include "serving/bulk/row_sink.hpp"

namespace forkcast::serving {

/// What kinds of places have to know.
struct SinkContext {
  std::string store;  ///< URL; empty: none was given.
  std::ostream& out;  ///< Outlives the sink.
};

/// Opens the place for rows of `table` (whose name a table of a store has in its stead):
/// `table:NAME`, or a path, whose `-` is `context.out` (OpenFileSink()). kInvalidArgument for a
/// place that cannot be; kIo, or as OpenStoreSink().
[[nodiscard]] Result<std::unique_ptr<RowSink>> OpenSink(const std::string& place,
                                                        const preprocessing::TableSpec& table,
                                                        const SinkContext& context);

}  // namespace forkcast::serving
