#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "data_preprocessing/base/clock.hpp"
#include "data_preprocessing/base/result.hpp"
#include "data_preprocessing/series/snapshot_file.hpp"
#include "data_preprocessing/series/up_to_date_mark.hpp"
#include "data_preprocessing/table/value.hpp"

namespace forkcast::preprocessing {

/// One published series: a base and the runs on top of it (FORMAT.md), each a file of rows that
/// were ingested later than those of all files before. Never changes; thread-safe; copies share the
/// mappings. Values of text columns are views into them and live as long as the snapshot or a copy.
///
/// Readers know keys, the rows of a key, and numbers of rows that only mean something to the same
/// snapshot. How many files these lie in they cannot see. A series with `aggregate` has no runs, so
/// that the periods of a key always stand together.
class Snapshot {
 public:
  /// A look-up goes through all runs, so there are never more.
  static constexpr std::size_t kMaxRuns = 8;

  /// Where the rows of one key are: in the base, and in each run its number there and one; 0: the
  /// run has none.
  struct KeyRows : SnapshotFile::KeyRows {
    std::array<std::uint32_t, kMaxRuns> in_run{};
  };

  /// A snapshot of one file. As SnapshotFile::Open.
  static Result<Snapshot> Open(const std::filesystem::path& path, std::string_view definition,
                               const Schema& values);
  /// `runs` in the order in which they were published. Precondition: at most kMaxRuns, and none on
  /// a grid. `mark`: says until when they had all that there was; null: nobody does.
  explicit Snapshot(SnapshotFile base, std::vector<SnapshotFile> runs = {},
                    std::shared_ptr<const UpToDateMark> mark = nullptr)
      : base_(std::move(base)), runs_(std::move(runs)), mark_(std::move(mark)) {}

  /// Of all files: SnapshotFile::Verify.
  [[nodiscard]] Status Verify() const;

  /// The rows of the key whose EncodeKey() bytes are `key`; none when the key was never seen.
  /// Allocates nothing; a constant number of cache misses a file on average.
  [[nodiscard]] std::optional<KeyRows> Find(std::string_view key) const noexcept;

  /// The row in force at `time`: of the rows visible by then (known, and not of a later time) the
  /// one of the newest time, the one ingested last among equals. None when none is visible.
  /// O(log rows of the key) in each file that has the key.
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
  [[nodiscard]] Value ValueAt(std::size_t column, std::uint64_t row) const noexcept {
    return FileOf(row).ValueAt(column, PlaceOf(row));
  }
  /// The key's values of a double column of a grid, one a period, oldest first; NaN where missing.
  [[nodiscard]] std::span<const double> Doubles(const KeyRows& rows,
                                                std::size_t column) const noexcept {
    return base_.Doubles(rows, column);
  }
  /// The same of the first `count` periods as far as was known at `time`, in place of what `values`
  /// holds. O(periods and revisions of the key).
  void DoublesAsOf(const KeyRows& rows, std::size_t column, std::uint64_t count, Instant time,
                   std::vector<double>& values) const {
    base_.DoublesAsOf(rows, column, count, time, values);
  }
  /// Whether a value of the key's grid was another at `time`, and DoublesAsOf() says which.
  [[nodiscard]] bool IsRevisedAfter(const KeyRows& rows, Instant time) const noexcept {
    return base_.IsRevisedAfter(rows, time);
  }
  /// Start of the period that is row `row`, or the row's time.
  [[nodiscard]] Instant TimeAt(std::uint64_t row) const noexcept {
    return FileOf(row).TimeAt(PlaceOf(row));
  }
  /// From when the age of a row is counted: its time and the series' delay, or its period's end.
  [[nodiscard]] Instant AgesFrom(std::uint64_t row) const noexcept {
    return FileOf(row).AgesFrom(PlaceOf(row));
  }

  /// Keys of the base by number, in order of first appearance: bytes (DecodeKey) and rows. Without
  /// runs these are all keys, and while there are runs there are some.
  [[nodiscard]] std::size_t key_count() const noexcept { return base_.key_count(); }
  [[nodiscard]] std::optional<std::size_t> FindNumber(std::string_view key) const noexcept {
    return base_.FindNumber(key);
  }
  [[nodiscard]] std::string_view KeyBytesAt(std::size_t number) const noexcept {
    return base_.KeyBytesAt(number);
  }
  [[nodiscard]] KeyRows RowsAt(std::size_t number) const noexcept {
    return {base_.RowsAt(number), {}};
  }

  /// Newest instant at which a row became known; none for a static or an empty series.
  [[nodiscard]] std::optional<Instant> watermark() const noexcept { return watermark_; }
  /// Until when all that there was is in it: its watermark, or, where that is later, when whoever
  /// publishes it last found that its source had nothing more. None without a watermark.
  [[nodiscard]] std::optional<Instant> up_to_date() const noexcept;
  /// What the watermark would have been at `time`: the newest of these instants that is not later;
  /// of a row known before its time, its time stands in. O(rows) where the watermark is later.
  [[nodiscard]] std::optional<Instant> WatermarkBy(Instant time) const noexcept;
  /// By which snapshots of one series with equal files are equal.
  [[nodiscard]] std::uint64_t checksum() const noexcept { return checksum_; }
  /// The same of files with these checksums.
  [[nodiscard]] static std::uint64_t ChecksumOf(std::uint64_t base,
                                                std::span<const std::uint64_t> runs) noexcept;
  /// Which rows of the source were left out as GridEnd::kJudged asks, and why; empty: none.
  [[nodiscard]] std::string_view left_out() const noexcept { return base_.left_out(); }
  /// Rows of all files.
  [[nodiscard]] std::uint64_t row_count() const noexcept;
  [[nodiscard]] const SnapshotFile& base() const noexcept { return base_; }
  [[nodiscard]] std::span<const SnapshotFile> runs() const noexcept { return runs_; }

 private:
  /// A row's number is its place in its file, below the number of the file: 0 is the base.
  static constexpr unsigned kPlaceBits = 48;

  [[nodiscard]] const SnapshotFile& FileOf(std::uint64_t row) const noexcept {
    const std::uint64_t file = row >> kPlaceBits;
    return file == 0 ? base_ : runs_[file - 1];
  }
  [[nodiscard]] static std::uint64_t PlaceOf(std::uint64_t row) noexcept {
    return row & ((std::uint64_t{1} << kPlaceBits) - 1);
  }
  /// The newest of `of_base`, a row of the base, and what `ask(run, rows of the key)` gives of each
  /// run; among equal times that of the last file.
  template <typename Ask>
  [[nodiscard]] std::optional<std::uint64_t> NewestOf(const KeyRows& rows,
                                                      std::optional<std::uint64_t> of_base,
                                                      const Ask& ask) const noexcept;

  SnapshotFile base_;
  std::vector<SnapshotFile> runs_;
  std::shared_ptr<const UpToDateMark> mark_;
  std::optional<Instant> watermark_ = NewestWatermark();
  std::uint64_t checksum_ = ChecksumOfFiles();

  [[nodiscard]] std::optional<Instant> NewestWatermark() const noexcept;
  [[nodiscard]] std::uint64_t ChecksumOfFiles() const;
};

}  // namespace forkcast::preprocessing
