#pragma once

#include <string_view>

#include "data_preprocessing/base/result.hpp"
#include "data_preprocessing/table/csv_reader.hpp"

namespace forkcast::preprocessing {

/// Where rows go that are not taken, while the others are.
class RejectSink {
 public:
  virtual ~RejectSink() = default;

  /// Takes a row of `source`. An error is the end of the run: no more may be rejected
  /// (kRefusedData), or it cannot be written (kIo).
  virtual Status Add(std::string_view source, const RejectedRecord& row) = 0;
};

}  // namespace forkcast::preprocessing
