#pragma once

#include <functional>
#include <string>

#include "data_preprocessing/base/result.hpp"
#include "data_preprocessing/pipeline/pipeline_spec.hpp"
#include "data_preprocessing/source/row_source.hpp"
#include "data_preprocessing/table/schema.hpp"

namespace forkcast::serving {

/// Rows that somebody asks about, and where they stand.
struct RowsToRead {
  /// A CSV file or a gzip of one, in the dialect of the pipeline's requests; JSON lines, in a file
  /// that ends in .jsonl; `-`: CSV from standard input; `table:NAME` or `query:SELECT ...` of the
  /// store.
  std::string place;
  std::string store{};  ///< Its URL; empty: none was given.
  preprocessing::Schema schema;
  bool sets_bad_rows_aside = false;  ///< Else one that cannot be read is the end.
};

/// What a place of a row is called in messages: "rows.csv: line 7".
using PlaceText = std::function<std::string(std::size_t place)>;

/// Takes rows that follow each other. A copy of `text` may be asked by any thread, at any time.
using TakeRows = std::function<Status(preprocessing::RowBatch batch, const PlaceText& text)>;

/// Hands over all rows in their order, in batches, without holding more than one. Errors of `take`
/// end it; as RowSource::Read(), TableDao::Read(), and kInvalidArgument for a place that cannot be.
Status ReadRows(const RowsToRead& rows, const preprocessing::PipelineSpec& spec,
                const TakeRows& take);

}  // namespace forkcast::serving
