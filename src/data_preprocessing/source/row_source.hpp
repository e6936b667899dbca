#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "data_preprocessing/base/result.hpp"
#include "data_preprocessing/table/csv_reader.hpp"
#include "data_preprocessing/table/table.hpp"

namespace forkcast::preprocessing {

/// How far a source has been read, in a unit of its own (bytes of a file); for a progress bar.
struct SourcePosition {
  std::size_t done = 0;
  std::size_t total = 0;
};

/// What RowSource::Read() found.
enum class Fetched {
  kRows,
  kEnd,  ///< No row is left; the batch is empty.
};

/// Rows of one table from outside the store, read once, in their order. Nothing is opened before it
/// is asked for. Not thread-safe. Every error names the source, and the place in it where there is
/// one: kIo (cannot be read), kCorrupt (damaged), kInvalidArgument (no rows of this table).
class RowSource {
 public:
  virtual ~RowSource() = default;

  /// What reports call it, such as the path of a file.
  [[nodiscard]] virtual const std::string& name() const noexcept = 0;

  /// Whether the name means the same rows tomorrow, grown or mended; not that of a pipe. To be
  /// asked after ContentHash().
  [[nodiscard]] virtual bool has_lasting_name() const noexcept = 0;

  /// A text that stands for all that the source holds: equal contents give the same one, under
  /// whatever name. A table without key remembers it and takes the same contents once. Reads the
  /// whole source, and leaves what Read() gives as it was.
  virtual Result<std::string> ContentHash() = 0;

  /// To be called before Read(): what is no row of the table is handed to `reject` and left out
  /// from then on, instead of being the end.
  virtual void SetAside(RejectRecord reject) = 0;

  /// Replaces the rows of `batch`, whose schema is the table's, by up to `max_rows` next ones.
  /// After an error the source is of no more use.
  virtual Result<Fetched> Read(std::size_t max_rows, Table& batch) = 0;

  /// Where row `row` of the last batch stands, for messages of later checks: "orders.csv: line 7".
  [[nodiscard]] virtual std::string PlaceOf(std::size_t row) const = 0;

  /// Hands row `row` of the last batch, which a later check refused, to where SetAside() said.
  virtual Status Reject(std::size_t row, std::string_view reason) = 0;

  [[nodiscard]] virtual SourcePosition position() const noexcept = 0;
};

}  // namespace forkcast::preprocessing
