#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "data_preprocessing/base/result.hpp"
#include "data_preprocessing/dao/record_store.hpp"

namespace forkcast::preprocessing {

/// The records of a SQLite store, which are in the file `PATH.jobs` beside it: in the store itself
/// they would wait for every ingest.
Result<std::unique_ptr<RecordStore>> OpenSqliteRecords(std::string_view path, StoreAccess access);

}  // namespace forkcast::preprocessing
