#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "data_preprocessing/base/atomic_file.hpp"
#include "data_preprocessing/base/clock.hpp"
#include "data_preprocessing/base/result.hpp"
#include "data_preprocessing/series/grid_aggregator.hpp"
#include "data_preprocessing/series/row_content.hpp"
#include "data_preprocessing/series/series_spec.hpp"
#include "data_preprocessing/series/snapshot_file.hpp"
#include "data_preprocessing/table/table.hpp"

namespace forkcast::preprocessing {

struct SnapshotReport {
  std::size_t keys = 0;
  /// Rows kept: of equal (key, time, visibility) only the last remains; of a grid, its periods.
  std::size_t rows = 0;
  std::uint64_t bytes = 0;
  std::optional<Instant> watermark;
  std::uint64_t checksum = 0;  ///< SnapshotFile::checksum().
  /// Which rows were left out and why, for people (Grid::left_out); empty: none.
  std::string left_out{};
};

/// A snapshot that is written and verified under a temporary name. Publishing is a rename, so that
/// several can be published at almost the same moment; destroyed without, it leaves nothing behind.
class WrittenSnapshot {
 public:
  WrittenSnapshot(std::unique_ptr<AtomicFile> file, SnapshotReport report) noexcept
      : file_(std::move(file)), report_(std::move(report)) {}

  /// kIo; what was published before then remains. Once.
  Status Publish();
  [[nodiscard]] const SnapshotReport& report() const noexcept { return report_; }
  /// Where it is until then.
  [[nodiscard]] const std::filesystem::path& temporary_path() const noexcept {
    return file_->temporary_path();
  }

 private:
  std::unique_ptr<AtomicFile> file_;
  SnapshotReport report_;
};

/// Turns rows, in the order in which they were ingested, into a snapshot file (FORMAT.md). Keeps of
/// each what RowContent or GridAggregator says; O(n log(rows of a key)).
class SnapshotBuilder {
 public:
  /// `spec` must be valid (as a PipelineSpec has it); both outlive the builder. `now` as for a
  /// GridAggregator.
  SnapshotBuilder(const SeriesSpec& spec, const TimeZone& zone, std::optional<Instant> now = {});

  /// Appends rows whose schema is spec.ReadSchema(). kRefusedData when there would be more than
  /// 2^32 - 2 rows, or as GridAggregator::Add.
  Status Add(const Table& batch);
  /// Appends the rows of a file of the series, as RowContent::Add. kRefusedData as above.
  /// Precondition: the series has no `aggregate`.
  Status Add(const SnapshotFile& file);
  /// Begins with the rows that `cells` were made of. Before any Add().
  /// Precondition: the series has `aggregate`.
  void GoOnFrom(GridCells cells) { grid_->GoOnFrom(std::move(cells)); }

  /// Writes and verifies the snapshot that is to be published under `path`, and gives up the rows
  /// as they are written: the builder is of no more use. kIo, kCorrupt, or as
  /// GridAggregator::Finish.
  [[nodiscard]] Result<WrittenSnapshot> Write(const std::filesystem::path& path);
  /// What later rows can be added to (GridAggregator::TakeCells); none but of a series with
  /// `aggregate`. Behind Write(), once.
  [[nodiscard]] std::optional<GridCells> TakeCells() { return std::exchange(cells_, {}); }
  /// Write(), and publishes it.
  Result<SnapshotReport> Publish(const std::filesystem::path& path);

 private:
  [[nodiscard]] Status RequireRoom(std::uint64_t rows) const;

  const SeriesSpec& spec_;
  const TimeZone& zone_;
  // One of both: of a series with `aggregate`, and of any other.
  std::optional<GridAggregator> grid_;
  std::optional<RowContent> rows_;
  std::optional<GridCells> cells_;
};

}  // namespace forkcast::preprocessing
