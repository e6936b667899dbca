#pragma once

#include <memory>
#include <string>

#include "data_preprocessing/base/result.hpp"
#include "data_preprocessing/dao/table_dao.hpp"
#include "serving/bulk/row_sink.hpp"

namespace forkcast::serving {

/// A table of a store, created when it is absent, in one transaction. A row takes the place of one
/// that has the same key. Errors as OpenStore() and TableDao.
[[nodiscard]] Result<std::unique_ptr<RowSink>> OpenStoreSink(const std::string& url,
                                                             preprocessing::TableSpec table);

}  // namespace forkcast::serving
