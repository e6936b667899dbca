#pragma once

#include <memory>
#include <string_view>

#include "data_preprocessing/base/result.hpp"
#include "data_preprocessing/dao/record_store.hpp"

namespace forkcast::preprocessing {

/// The records of a PostgreSQL store: its table forkcast_records.
Result<std::unique_ptr<RecordStore>> OpenPostgresRecords(std::string_view place,
                                                         StoreAccess access);

}  // namespace forkcast::preprocessing
