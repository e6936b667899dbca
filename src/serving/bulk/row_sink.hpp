#pragma once

#include "data_preprocessing/base/result.hpp"
#include "data_preprocessing/table/table.hpp"

namespace forkcast::serving {

/// Where a command puts the rows that it makes. Everything or nothing, but for a stream, which has
/// what was written. Not thread-safe. Errors name the place: kIo, or as the store says.
class RowSink {
 public:
  virtual ~RowSink() = default;

  /// Takes the rows of `batch`, whose schema is the one that the sink was opened with.
  virtual Status Write(const preprocessing::Table& batch) = 0;
  /// There are no more; now they can be seen. Without it a place is as it was before.
  virtual Status Finish() = 0;
};

}  // namespace forkcast::serving
