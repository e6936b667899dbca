#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "data_preprocessing/base/result.hpp"
#include "data_preprocessing/table/csv_dialect.hpp"
#include "data_preprocessing/table/csv_scanner.hpp"
#include "data_preprocessing/table/table.hpp"
#include "data_preprocessing/table/time_zone.hpp"

namespace forkcast::preprocessing {

/// A record that could not be taken.
struct RejectedRecord {
  std::size_t line = 0;  ///< Where it begins.
  std::string_view reason;
  std::string_view text;  ///< As it stands in the file, in UTF-8, without the end of its last line.
};

/// Takes what could not be taken; an error ends the reading.
using RejectRecord = std::function<Status(const RejectedRecord&)>;

struct CsvReadOptions {
  CsvDialect dialect{};
  std::string name{};  ///< What messages call the file; empty: its path.
  /// Where bad records go, so that the others are read. Without one, a bad record ends the reading.
  RejectRecord reject{};
};

/// Reads a CSV file, or a gzip of one, whatever its name, as batches of a Table with a declared
/// schema, in a dialect. Columns are found by the header's names in any order; columns that the
/// schema does not name are ignored. An empty field (in a text column, an unquoted one) is a
/// missing value where the column is nullable, an empty text in a text column that is not, an error
/// in any other; so are the dialect's null texts. Every error names file, line and column: kIo
/// (cannot be read), kCorrupt (a gzip cut short or damaged), kInvalidArgument (no header, a missing
/// or repeated column, a ragged row, a bad value, or what CsvScanner refuses). Where what is
/// refused looks like another dialect, the message says which, and how a pipeline declares it. A
/// bad record within the rows can be set aside (CsvReadOptions::reject): of one that is no CSV, and
/// of which nobody knows where it ends, its first line is, and reading goes on behind that. Memory:
/// one batch and one record, whatever the size of the file. Not thread-safe.
class CsvTableReader {
 public:
  /// Opens the file and reads its header.
  static Result<CsvTableReader> Open(const std::filesystem::path& path, const Schema& schema,
                                     const TimeZone& zone, const CsvReadOptions& options = {});
  /// The same with every column of the header as nullable text, in the header's order: for those
  /// who pass rows on without knowing their types.
  static Result<CsvTableReader> OpenAsText(const std::filesystem::path& path,
                                           const CsvReadOptions& options = {});
  CsvTableReader(CsvTableReader&&) noexcept;
  CsvTableReader& operator=(CsvTableReader&&) noexcept;
  ~CsvTableReader();

  /// The given schema, or the one that OpenAsText() made of the header.
  [[nodiscard]] const Schema& schema() const noexcept;
  /// Replaces the rows of `batch` (whose schema is schema()) by the next records, at most
  /// `max_rows`; those that are set aside count, so that the batch may be empty of them. False,
  /// with an empty batch, at the end of the file. After an error the batch is empty and the reader
  /// of no more use.
  Result<bool> ReadBatch(std::size_t max_rows, Table& batch);
  /// Line of row `row` of the last batch, for messages of later checks.
  [[nodiscard]] std::size_t line_of(std::size_t row) const noexcept;
  /// The text of that row's record. Precondition: there is somewhere to put bad records.
  [[nodiscard]] std::string_view text_of(std::size_t row) const noexcept;
  /// Bytes of the file consumed so far and in all (compressed, for a gzip), for a progress bar.
  [[nodiscard]] std::size_t bytes_read() const noexcept;
  [[nodiscard]] std::size_t bytes_total() const noexcept;

 private:
  struct State;
  static Result<CsvTableReader> OpenFile(const std::filesystem::path& path,
                                         std::optional<Schema> schema, const TimeZone& zone,
                                         const CsvReadOptions& options);
  explicit CsvTableReader(std::unique_ptr<State> state) noexcept;
  std::unique_ptr<State> state_;
};

/// Hash of a file's contents after decompression (XXH3, 128 bits, 32 hexadecimal digits), so that
/// a file and its gzip are the same. kIo or kCorrupt, naming the file (`name`, or its path).
Result<std::string> HashCsvContent(const std::filesystem::path& path, const std::string& name = {});

}  // namespace forkcast::preprocessing
