#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "data_preprocessing/base/file_identity.hpp"
#include "data_preprocessing/base/result.hpp"
#include "data_preprocessing/series/run_list.hpp"
#include "data_preprocessing/series/series_spec.hpp"
#include "data_preprocessing/series/snapshot.hpp"
#include "data_preprocessing/table/time_zone.hpp"

namespace forkcast::preprocessing {

/// The files of one series in a folder: `<series>.<hash of its definition>` and an ending.
class SeriesFiles {
 public:
  /// `series` outlives the object.
  SeriesFiles(const std::filesystem::path& folder, const SeriesSpec& series, const TimeZone& zone);

  [[nodiscard]] const SeriesSpec& series() const noexcept { return series_; }
  [[nodiscard]] const std::string& definition() const noexcept { return definition_; }
  [[nodiscard]] std::filesystem::path base() const { return folder_ / (stem_ + ".snapshot"); }
  [[nodiscard]] std::filesystem::path list() const { return folder_ / (stem_ + ".runs"); }
  [[nodiscard]] std::filesystem::path mark() const { return folder_ / (stem_ + ".uptodate"); }
  /// A name that no run has had.
  [[nodiscard]] std::string NewRunName() const;
  /// The same of cells.
  [[nodiscard]] std::string NewCellsName() const;
  [[nodiscard]] std::filesystem::path Path(const std::string& file) const { return folder_ / file; }
  /// Removes runs and cells that the list does not name: those it named before, and what a
  /// publisher that was killed leaves. Precondition: the folder's lock is held.
  void RemoveAllBut(const RunList& list) const;

 private:
  [[nodiscard]] std::string NewName(std::string_view ending) const;

  std::filesystem::path folder_;
  const SeriesSpec& series_;
  std::string definition_;
  std::string stem_;
};

/// What is published of a series.
struct SeriesPublication {
  SnapshotFile base;
  std::vector<SnapshotFile> runs;
  RunList list;            ///< As far as it is that of the base; otherwise one that says nothing.
  FileIdentity base_seen;  ///< Both looked at before they were opened.
  FileIdentity list_seen;
  std::shared_ptr<const UpToDateMark> mark{};

  [[nodiscard]] Snapshot AsSnapshot() const { return Snapshot(base, runs, mark); }
};

/// Opens one file of a series, or has it open.
using OpenSeriesFile =
    std::function<Result<SnapshotFile>(const std::filesystem::path&, const FileIdentity&)>;

/// Opens what is published of the series, through `open` and unverified. To be called under the
/// folder's lock. kNotFound says to run ingest; kCorrupt names the file. `seen`, if any, gets base
/// and list, also when it fails.
Result<SeriesPublication> OpenPublication(const SeriesFiles& files, const OpenSeriesFile& open,
                                          std::vector<SeenFile>* seen = nullptr);

/// Notes that what is published of the series has all that there was at `instant`
/// (UpToDateMark::Write); nothing where nothing is published. kIo, or kCorrupt for its list.
Status MarkUpToDate(const SeriesFiles& files, Instant instant);

/// Before `next` takes the place of what is published: it has all that there was when that was
/// found to have, so it is as up to date from the start. kIo.
Status CarryMarkOver(const SeriesFiles& files, const RunList& next);

/// SnapshotFile::Open for OpenPublication().
[[nodiscard]] OpenSeriesFile OpenAnew(const SeriesFiles& files);

}  // namespace forkcast::preprocessing
