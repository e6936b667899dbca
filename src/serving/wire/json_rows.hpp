#pragma once

#include <cstddef>
#include <memory>
#include <string_view>

#include "data_preprocessing/base/result.hpp"
#include "data_preprocessing/table/time_zone.hpp"
#include "serving/wire/request_decoder.hpp"
#include "serving/wire/row_collector.hpp"

namespace forkcast::wire {

/// Reads rows from JSON documents; RequestDecoder says what it takes. Not thread-safe.
class JsonRows {
 public:
  /// `schema` and `zone` must outlive this.
  JsonRows(const preprocessing::Schema& schema, const preprocessing::TimeZone& zone,
           std::size_t max_depth);
  ~JsonRows();

  /// One document: an object, an array of objects, or an object with `instances`.
  /// Precondition: kBodyPadding bytes behind `body` are readable.
  Result<Wrapping> ReadDocument(std::string_view body, RowCollector& rows);
  /// A document a line. Precondition: as above.
  Status ReadLines(std::string_view body, RowCollector& rows);

 private:
  class Reader;
  std::unique_ptr<Reader> reader_;
};

}  // namespace forkcast::wire
