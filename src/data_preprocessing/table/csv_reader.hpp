#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "data_preprocessing/base/result.hpp"
#include "data_preprocessing/table/csv_scanner.hpp"
#include "data_preprocessing/table/table.hpp"
#include "data_preprocessing/table/time_zone.hpp"

namespace forkcast::preprocessing {

/// Reads a CSV file, or a gzip of one, whatever its name, as batches of a Table with a declared
/// schema. Columns are found by the header's names in any order; columns that the schema does not
/// name are ignored. An empty unquoted field is a missing value where the column is nullable, an
/// empty text in a text column that is not, an error in any other.
/// Every error names file, line and column: kIo (cannot be read), kCorrupt (a gzip cut short or
/// damaged), kInvalidArgument (no header, a missing or repeated column, a ragged row, a bad value,
/// or what CsvScanner refuses). Memory: one batch and one record, whatever the size of the file.
/// Not thread-safe.
class CsvTableReader {
 public:
  /// Opens the file and reads its header.
  static Result<CsvTableReader> Open(const std::filesystem::path& path, const Schema& schema,
                                     const TimeZone& zone);
  /// The same with every column of the header as nullable text, in the header's order: for those
  /// who pass rows on without knowing their types.
  static Result<CsvTableReader> OpenAsText(const std::filesystem::path& path);
  CsvTableReader(CsvTableReader&&) noexcept;
  CsvTableReader& operator=(CsvTableReader&&) noexcept;
  ~CsvTableReader();

  /// The given schema, or the one that OpenAsText() made of the header.
  [[nodiscard]] const Schema& schema() const noexcept;
  /// Replaces the rows of `batch` (whose schema is schema()) by up to `max_rows` next rows.
  /// False, with an empty batch, at the end of the file. After an error the batch is empty and the
  /// reader of no more use.
  Result<bool> ReadBatch(std::size_t max_rows, Table& batch);
  /// Line of row `row` of the last batch, for messages of later checks.
  [[nodiscard]] std::size_t line_of(std::size_t row) const noexcept;
  /// Bytes of the file consumed so far and in all (compressed, for a gzip), for a progress bar.
  [[nodiscard]] std::size_t bytes_read() const noexcept;
  [[nodiscard]] std::size_t bytes_total() const noexcept;

 private:
  struct State;
  static Result<CsvTableReader> OpenFile(const std::filesystem::path& path,
                                         std::optional<Schema> schema, const TimeZone& zone);
  explicit CsvTableReader(std::unique_ptr<State> state) noexcept;
  std::unique_ptr<State> state_;
};

/// Hash of a file's contents after decompression (XXH3, 128 bits, 32 hexadecimal digits), so that
/// a file and its gzip are the same. kIo or kCorrupt, naming the file.
Result<std::string> HashCsvContent(const std::filesystem::path& path);

}  // namespace forkcast::preprocessing
