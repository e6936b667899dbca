#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "data_preprocessing/base/clock.hpp"
#include "data_preprocessing/base/mapped_file.hpp"
#include "data_preprocessing/base/result.hpp"
#include "data_preprocessing/series/snapshot_format.hpp"
#include "data_preprocessing/table/value.hpp"

namespace forkcast::preprocessing {

/// One file of a published series, mapped read-only (FORMAT.md): all rows of it, or a run, those
/// that came later. Processes that open the same file share its pages, copies of the object its
/// mapping. Never changes after Open(); thread-safe. Values of text columns are views into the
/// mapping and live as long as the object or a copy. Of interest to Snapshot and to whoever
/// publishes one.
class SnapshotFile {
 public:
  /// The rows of one key, ascending in time, at most one an instant of time and visibility.
  struct KeyRows {
    std::uint64_t row_begin = 0;
    std::uint64_t step_begin = 0;
    std::uint32_t row_count = 0;
    std::uint32_t step_count = 0;
    std::int32_t first_period = 0;  ///< PeriodIndex of the first row; in a grid alone.
  };

  /// Maps the file and checks magic, version, size and that every section lies within bounds;
  /// O(1) in the file's size. `definition` is DefinitionOf() the series, `values` its
  /// ValueSchema(). kNotFound, kIo; kCorrupt when the file is no such snapshot, is cut short, or
  /// was published for another definition.
  static Result<SnapshotFile> Open(const std::filesystem::path& path, std::string_view definition,
                                   const Schema& values);

  /// Checks the checksum and every index in the file; O(size). For the publisher and for a booting
  /// worker, after which lookups trust the file. kCorrupt names what is wrong.
  [[nodiscard]] Status Verify() const;

  /// The number, for KeyBytesAt() and RowsAt(), of the key whose EncodeKey() bytes are `key`; none
  /// when the file has no such key. `hash` is HashOf(key). Allocates nothing; a constant number of
  /// cache misses on average.
  [[nodiscard]] std::optional<std::size_t> FindNumber(std::string_view key,
                                                      std::uint64_t hash) const noexcept;
  [[nodiscard]] std::optional<std::size_t> FindNumber(std::string_view key) const noexcept {
    return FindNumber(key, HashOf(key));
  }
  [[nodiscard]] static std::uint64_t HashOf(std::string_view key) noexcept;

  /// The row in force at `time`: of the rows visible by then (known, and not of a later time) the
  /// one of the newest time, the one ingested last among equals. None when none is visible.
  /// O(log rows of the key).
  [[nodiscard]] std::optional<std::uint64_t> AsOf(const KeyRows& rows, Instant time) const noexcept;

  /// The same among the rows that have a value of `column`, which must be one of the series'
  /// `skip_missing`.
  [[nodiscard]] std::optional<std::uint64_t> AsOfValue(const KeyRows& rows, std::size_t column,
                                                       Instant time) const noexcept;

  /// The row of a series known in advance that holds at `target` as far as was known at `origin`:
  /// of the rows of no later time than `target`, known by `origin`, the newest. Not for a grid,
  /// where the target's period says which row it is. O(log rows of the key), and the rows of times
  /// up to `target` that were not known yet.
  [[nodiscard]] std::optional<std::uint64_t> Planned(const KeyRows& rows, Instant origin,
                                                     Instant target) const noexcept;

  /// Value of column `column` (position in the value schema) at a row that AsOf() returned.
  [[nodiscard]] Value ValueAt(std::size_t column, std::uint64_t row) const noexcept;
  /// The key's values of a double column of a grid, one a period, oldest first; NaN where missing.
  [[nodiscard]] std::span<const double> Doubles(const KeyRows& rows,
                                                std::size_t column) const noexcept {
    return columns_[column].doubles.subspan(rows.row_begin, rows.row_count);
  }
  /// The same of the first `count` periods, as far as was known at `time`, in place of what
  /// `values` holds. O(periods and revisions of the key).
  void DoublesAsOf(const KeyRows& rows, std::size_t column, std::uint64_t count, Instant time,
                   std::vector<double>& values) const;
  /// Whether a value of the key's grid was another at `time`, and DoublesAsOf() says which.
  [[nodiscard]] bool IsRevisedAfter(const KeyRows& rows, Instant time) const noexcept {
    return rows.step_count > 0 &&
           step_instants_[rows.step_begin + rows.step_count - 1] > ToMicros(time);
  }
  /// Start of the period that is row `row`, or the row's time.
  [[nodiscard]] Instant TimeAt(std::uint64_t row) const noexcept { return FromMicros(times_[row]); }
  /// From when on row `row` is visible. Precondition: not of a series that is uniform.
  [[nodiscard]] Instant VisibleFrom(std::uint64_t row) const noexcept {
    return FromMicros(visible_from_[row]);
  }

  /// From when the age of a row is counted: its time and the series' delay, or its period's end.
  [[nodiscard]] Instant AgesFrom(std::uint64_t row) const noexcept;

  /// Keys by number, in order of first appearance: bytes (DecodeKey) and rows.
  [[nodiscard]] std::string_view KeyBytesAt(std::size_t number) const noexcept;
  [[nodiscard]] KeyRows RowsAt(std::size_t number) const noexcept;

  /// Newest instant at which a row became known; none for a static or an empty series.
  [[nodiscard]] std::optional<Instant> watermark() const noexcept;
  /// Which rows of the source were left out as GridEnd::kJudged asks, and why; empty: none.
  [[nodiscard]] std::string_view left_out() const noexcept { return left_out_; }
  /// Whether a copy of the object shares its mapping.
  [[nodiscard]] bool is_shared() const noexcept { return file_.use_count() > 1; }
  /// By which files with equal contents are equal.
  [[nodiscard]] std::uint64_t checksum() const noexcept { return header().checksum; }
  [[nodiscard]] std::uint64_t key_count() const noexcept { return header().key_count; }
  [[nodiscard]] std::uint64_t row_count() const noexcept { return header().row_count; }
  /// The whole file.
  [[nodiscard]] std::string_view bytes() const noexcept {
    return {reinterpret_cast<const char*>(file_->bytes().data()), file_->bytes().size()};
  }

 private:
  struct ColumnView {
    ColumnType type = ColumnType::kText;
    std::span<const std::int64_t> integers;
    std::span<const double> doubles;
    std::span<const std::uint8_t> missing;
    std::span<const std::uint32_t> codes;
    std::span<const std::uint64_t> ends;
    std::string_view dictionary;
    std::span<const std::int64_t> value_step_instants;
    std::span<const std::uint64_t> value_step_rows;
    std::span<const double> before_steps;  // of a grid
  };

  class SectionReader;

  explicit SnapshotFile(MappedFile file);
  /// Precondition: the file is long enough, which CheckHeader() looks at first.
  [[nodiscard]] const snapshot_format::Header& header() const noexcept { return *header_; }
  [[nodiscard]] Status CheckHeader() const;
  [[nodiscard]] ColumnView MapColumn(SectionReader& reader, std::uint32_t section,
                                     ColumnType type) const noexcept;
  [[nodiscard]] Status MapSections(std::string_view definition, const Schema& values);
  [[nodiscard]] Status VerifyKeys() const;
  [[nodiscard]] Status VerifyColumns() const;

  std::shared_ptr<const MappedFile> file_;
  const snapshot_format::Header* header_;  // where the file begins
  std::span<const std::uint64_t> buckets_;
  std::span<const snapshot_format::KeyEntry> keys_;
  std::string_view key_bytes_;
  std::span<const std::int64_t> times_;
  std::span<const std::int64_t> visible_from_;
  std::span<const std::int64_t> step_instants_;
  std::span<const std::uint64_t> step_rows_;
  std::vector<ColumnView> columns_;
  std::string_view left_out_;
};

}  // namespace forkcast::preprocessing
