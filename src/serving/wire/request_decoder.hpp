#pragma once

#include <cstddef>
#include <memory>
#include <string_view>
#include <vector>

#include "data_preprocessing/base/result.hpp"
#include "data_preprocessing/table/csv_dialect.hpp"
#include "data_preprocessing/table/table.hpp"
#include "data_preprocessing/table/time_zone.hpp"
#include "serving/wire/media_type.hpp"

namespace forkcast::wire {

/// A row of a request that could not be taken. `row` counts from 0.
struct RowError {
  std::size_t row = 0;
  Error error;
};

/// How rows were wrapped, so that the answer is wrapped alike.
enum class Wrapping {
  kObject,     ///< One JSON object; answered as one object.
  kArray,      ///< A JSON array of objects; answered as an array.
  kInstances,  ///< An object with a member that holds rows; answered as `{"predictions": [...]}`.
  kLines,      ///< JSON lines or CSV.
};

/// The rows of one request. Reused from request to request: Clear() keeps the memory.
struct DecodedRequest {
  explicit DecodedRequest(const preprocessing::Schema& schema) : rows(schema) {}
  void Clear() noexcept;

  preprocessing::Table rows;             ///< The good rows, in order.
  std::vector<std::size_t> row_numbers;  ///< Position within the request of each row of `rows`.
  std::vector<RowError> errors;          ///< The bad rows, ascending.
  std::size_t row_count = 0;             ///< Good and bad rows together.
  Wrapping wrapping = Wrapping::kObject;
};

struct DecoderLimits {
  /// Nesting of JSON, fields that are ignored included. At most 1000.
  std::size_t max_depth = 32;
  /// Rows in one request.
  std::size_t max_rows = 100'000;
};

/// Bytes behind a JSON body that must be readable (their value does not matter).
inline constexpr std::size_t kBodyPadding = 64;

/// Decodes request bodies against the declared schema, without building a tree.
/// Fields that the schema does not name are ignored but must be valid JSON. A column that is not
/// nullable is required; null counts as absent. Types are strict: a JSON number for a text column
/// is an error that says that leading zeros would be lost; a timestamp is a text; an int64 takes
/// integral numbers only; a field given twice in one object is an error. An empty array is valid
/// (no rows); an empty body is not.
/// A row in which no field of a schema that has some is named is an error, even where all may be
/// missing: it was meant for somebody else.
/// CSV needs a header line unless it is said to be absent; columns are found by name in any order,
/// absent nullable columns are missing, an empty field (of text, an unquoted one) is a missing
/// value. Without a header fields are those of the schema in its order, the last of which may be
/// left out where they are nullable.
///
/// A body that cannot be read as a whole (no JSON, too deep, no CSV header or one that names no
/// field of the schema or not all that are required, a quote that hides where CSV records end, too
/// many rows) is an error of the call: kInvalidArgument, or kTooLarge for rows; `out` is empty
/// then. Whatever is wrong with a row alone (also that it is JSON but no object, or a CSV record
/// with more or fewer fields than the header, or one that is not UTF-8) goes to `errors` with its
/// first error (kInvalidArgument with the field), and the others are still decoded; so does a line
/// of JSON lines that is malformed in whatever way. Empty lines are skipped and not counted.
///
/// An object with an array called `instances` (TensorFlow Serving, SageMaker), `inputs` or
/// `dataframe_records` (MLflow), under a schema without a field of that name, wraps rows; the
/// members beside it are ignored. One of them that is of another kind is ignored beside declared
/// fields, and an error where there are none. A row there may also be an array of values in the
/// order of the schema, the last of which may be left out where they are nullable. `inputs` may
/// also be an object with an array of values for each field, all of one length. `dataframe_split`,
/// an object with the names in `columns` and the rows as arrays in `data` (pandas' "split"), wraps
/// rows, too; names are dealt with as a CSV header's are. Without names, or where pandas has
/// counted the columns (0, 1 and so on), values are in the order of the schema. There NaN, which
/// Python writes into its JSON, is a missing value of any field, and an infinity a number.
///
/// Elsewhere a declared field that is NaN or an infinity, which JSON has not, is an error of its
/// row; where no field is it makes the document no JSON.
///
/// Steady state allocates nothing. One decoder a thread. Cost: one pass over the body.
///
/// A large body can be read in steps, so that other work is done in between:
///     decoder.Start(format, body, out);
///     do { ... } while (more = decoder.Continue(64), more.ok() && !*more);
class RequestDecoder {
 public:
  /// `dialect`: of bodies in CSV.
  RequestDecoder(preprocessing::Schema schema, preprocessing::TimeZone zone, DecoderLimits limits,
                 preprocessing::CsvDialect dialect = {});
  RequestDecoder(RequestDecoder&&) noexcept;
  RequestDecoder& operator=(RequestDecoder&&) noexcept;
  ~RequestDecoder();

  [[nodiscard]] const preprocessing::Schema& schema() const noexcept;

  /// From now on the text field `field` may be an object in JSON, which is taken as it is written:
  /// whoever reads it sees to what is in it.
  void TakeObjects(std::size_t field) noexcept;

  /// Precondition: kBodyPadding bytes behind `body` are readable; `out` was made of schema().
  /// `out` is cleared first.
  Status Decode(Format format, std::string_view body, DecodedRequest& out);

  /// Begins what Decode() does at once; preconditions are the same. Nothing is read yet. `body` and
  /// `out` must live, and `out` be left alone, until it is read or another one is started.
  void Start(Format format, std::string_view body, DecodedRequest& out,
             CsvHeader header = CsvHeader::kPresent);
  /// Reads on for at most `steps` rows, blank lines included. The first call also looks at all of a
  /// JSON document or CSV body (UTF-8, tokens), for which each KiB counts as a row. True when the
  /// body is read; an error is that of Decode(), and the end.
  Result<bool> Continue(std::size_t steps);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace forkcast::wire
