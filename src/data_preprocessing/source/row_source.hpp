#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "data_preprocessing/base/result.hpp"
#include "data_preprocessing/table/schema.hpp"
#include "data_preprocessing/table/table.hpp"

namespace forkcast::preprocessing {

/// How far a source has been read, in a unit of its own (bytes of a file); for a progress bar.
struct SourcePosition {
  std::size_t done = 0;
  std::size_t total = 0;
};

/// What was no row of the table.
struct SetAsideRow {
  std::size_t place = 0;
  std::string reason;
  std::string text;
};

/// Rows that follow each other in a source, with all that is told of them later: while these are
/// stored, the source reads the next ones.
struct RowBatch {
  explicit RowBatch(const Schema& schema) : rows(schema) {}

  Table rows;
  std::vector<std::size_t> places;  ///< Of each row: a number of the source's own, as of a line.
  Column texts{
      ColumnType::kText};  ///< Of each row, as it stood there; once bad rows are set aside.
  std::vector<SetAsideRow> set_aside;
  SourcePosition position;  ///< Behind the last row.
};

/// What RowSource::Read() found.
enum class Fetched {
  kRows,  ///< Or what was no row: the batch may have none.
  kEnd,   ///< Nothing is left; the batch is empty.
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

  /// To be called before Read(): what is no row of the table is left out from then on and told in
  /// the batch, instead of being the end.
  virtual void SetBadRowsAside() = 0;

  /// Replaces the contents of `batch`, whose schema is the table's, by up to `max_rows` next rows,
  /// those set aside included. After an error the source is of no more use.
  virtual Result<Fetched> Read(std::size_t max_rows, RowBatch& batch) = 0;

  /// What a place is called in messages of later checks: "orders.csv: line 7". May be asked for
  /// while another thread reads.
  [[nodiscard]] virtual std::string PlaceOf(std::size_t place) const = 0;
};

}  // namespace forkcast::preprocessing
