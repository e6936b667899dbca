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

  /// As RequestDecoder::TakeObjects().
  void TakeObjects(std::size_t field) noexcept;

  enum class Form {
    kDocument,  ///< An object, an array of objects, or an object with `instances`.
    kLines,     ///< A document a line.
  };
  /// Begins a body. It and `rows` must live until it is read.
  /// Precondition: kBodyPadding bytes behind `body` are readable.
  void Start(Form form, std::string_view body, RowCollector& rows);
  /// Reads on, at most `steps` rows or lines; the first call makes simdjson's first pass over a
  /// document, too. True when the body is read, whose wrapping() is then known.
  Result<bool> Continue(std::size_t steps);
  [[nodiscard]] Wrapping wrapping() const noexcept;

 private:
  class Reader;
  std::unique_ptr<Reader> reader_;
};

}  // namespace forkcast::wire
