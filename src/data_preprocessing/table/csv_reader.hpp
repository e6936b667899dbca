#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "data_preprocessing/base/result.hpp"
#include "data_preprocessing/table/table.hpp"
#include "data_preprocessing/table/time_zone.hpp"

namespace forkcast::preprocessing {

/// Where a record or field stands, for messages. Lines count from 1 and count line breaks inside
/// quotes; a field's column is the 1-based position of its first byte in its line.
struct CsvPosition {
  std::size_t line = 1;
  std::size_t column = 1;
};

/// One field of a record. `text` is unquoted and unescaped.
struct CsvField {
  std::string_view text;
  bool quoted = false;  ///< An empty field that was quoted is an empty text, not a missing value.
  CsvPosition position;
};

/// Splits CSV text in memory into records (RFC 4180): `,` separates, `"` quotes, `""` inside quotes
/// is one quote, CRLF or LF ends a record, the last end may be absent, a UTF-8 byte-order mark in
/// front is skipped, a completely empty line is skipped. Bytes must be UTF-8 (checked).
/// Errors are kInvalidArgument and name line and column: a quote inside an unquoted field, text
/// behind a closing quote, an open quote at the end, a bare CR, a NUL byte.
/// Views in `fields()` point into the given text, or into the scanner's own memory for escaped
/// fields, and live until the next call of Next(). Allocates only for fields with escaped quotes
/// and when a record has more fields than any before.
class CsvScanner {
 public:
  CsvScanner() = default;
  /// Starts over on `text`, which must outlive its use. Keeps the memory of earlier texts.
  void Reset(std::string_view text);
  /// Reads the next record into fields(). False at the end.
  Result<bool> Next();
  [[nodiscard]] const std::vector<CsvField>& fields() const noexcept { return fields_; }
  /// Start of the record that Next() read last.
  [[nodiscard]] CsvPosition position() const noexcept { return record_; }

 private:
  // Chosen by the implementer.
  std::string_view text_;
  std::size_t offset_ = 0;
  CsvPosition here_;
  CsvPosition record_;
  std::vector<CsvField> fields_;
  std::string unescaped_;
};

/// Reads a CSV file, or a gzip of one, whatever its name, as batches of a Table with a declared
/// schema. Columns are found by the header's names in any order; columns that the schema does not
/// name are ignored. An empty unquoted field is a missing value where the column is nullable, an
/// empty text in a text column that is not, an error in any other.
/// Every error names file, line and column: kIo (cannot be read), kCorrupt (a gzip cut short or
/// damaged), kInvalidArgument (no header, a missing or repeated column, a ragged row, a bad value,
/// a bad quote). Memory: one batch and one record, whatever the size of the file. Not thread-safe.
class CsvTableReader {
 public:
  /// Opens the file and reads its header.
  static Result<CsvTableReader> Open(const std::filesystem::path& path, const Schema& schema,
                                     const TimeZone& zone);
  CsvTableReader(CsvTableReader&&) noexcept;
  CsvTableReader& operator=(CsvTableReader&&) noexcept;
  ~CsvTableReader();

  /// Replaces the rows of `batch` (whose schema is the given one) by up to `max_rows` next rows.
  /// False, with an empty batch, at the end of the file.
  Result<bool> ReadBatch(std::size_t max_rows, Table& batch);
  /// Line of row `row` of the last batch, for messages of later checks.
  [[nodiscard]] std::size_t line_of(std::size_t row) const noexcept;
  /// Bytes of the file consumed so far and in all (compressed, for a gzip), for a progress bar.
  [[nodiscard]] std::size_t bytes_read() const noexcept;
  [[nodiscard]] std::size_t bytes_total() const noexcept;

 private:
  struct State;
  explicit CsvTableReader(std::unique_ptr<State> state) noexcept;
  std::unique_ptr<State> state_;
};

/// Hash of a file's contents after decompression (XXH3, 128 bits, 32 hexadecimal digits), so that
/// a file and its gzip are the same. kIo or kCorrupt, naming the file.
Result<std::string> HashCsvContent(const std::filesystem::path& path);

}  // namespace forkcast::preprocessing
