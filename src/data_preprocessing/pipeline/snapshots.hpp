#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "data_preprocessing/base/file_identity.hpp"
#include "data_preprocessing/base/result.hpp"
#include "data_preprocessing/dao/table_dao.hpp"
#include "data_preprocessing/pipeline/pipeline_spec.hpp"
#include "data_preprocessing/pipeline/publish_series.hpp"
#include "data_preprocessing/pipeline/series_files.hpp"
#include "data_preprocessing/series/snapshot.hpp"

namespace forkcast::preprocessing {

/// `FOLDER/<series>.<hash of its definition>.snapshot`: pipelines that declare a series alike share
/// its file, and one that declares it otherwise does not overwrite it.
[[nodiscard]] std::filesystem::path SnapshotPath(const std::filesystem::path& folder,
                                                 const SeriesSpec& series, const TimeZone& zone);

/// Reads of every series of the pipeline what the store has and its snapshot in `folder` has not,
/// and publishes that there; the folder is created when absent. All are published together when
/// all are written, under the folder's exclusive lock: OpenSnapshots() sees all of them or none.
/// Then runs of which there are many become part of their base, which nobody sees but by its cost.
/// Errors as SeriesUpdate::Prepare, and nothing is published then; or as SeriesUpdate::Publish.
/// `now`: what lies behind it is left out, unless a series says otherwise.
Result<std::vector<PublishedSeries>> PublishSnapshots(TableDao& dao, const PipelineSpec& spec,
                                                      const std::filesystem::path& folder,
                                                      Instant now,
                                                      const PublishOptions& options = {});

/// Notes that what is published of the pipeline's series in `folder` has all that their sources had
/// at `instant`: to servers their data are as old as that then, and not as their newest rows. kIo.
Status MarkUpToDate(const PipelineSpec& spec, const std::filesystem::path& folder, Instant instant);

/// The snapshots of several pipelines. Those that read the same one share its mapping, which is
/// opened and verified once; so is a base that the next publication has, too. Not thread-safe.
class SnapshotPool {
 public:
  /// Opens and verifies the snapshot of every series, in the pipeline's order, as they were
  /// published together: all are opened under the folder's shared lock, those that were opened
  /// before anew if others stand there now. (A file system without locks, or a folder whose files
  /// alone may be read, is taken as it is.) kNotFound says to run ingest; kIo when somebody
  /// publishes there for more than 5 s; otherwise as Snapshot::Open and Verify.
  Result<std::vector<Snapshot>> Open(const PipelineSpec& spec, const std::filesystem::path& folder);

  /// What Open() has looked at since this was last asked: of each series its base and its list of
  /// runs, before they were opened; as far as it came, if it failed.
  [[nodiscard]] std::vector<SeenFile> TakeSeen() noexcept { return std::exchange(seen_, {}); }

  /// Lets go of the files that no snapshot has any more: for a pool that outlives publications.
  void DropUnused();

 private:
  struct Entry {
    FileIdentity identity;
    SnapshotFile file;
    bool is_verified = false;
  };

  /// Without a look at the contents, which would keep a publisher waiting.
  Result<std::vector<SeriesPublication>> Map(const PipelineSpec& spec,
                                             const std::filesystem::path& folder);
  Result<SnapshotFile> OpenOnce(const SeriesFiles& files, const std::filesystem::path& path,
                                const FileIdentity& identity);
  /// Looks into those opened under `path`, once.
  Status Verify(const std::filesystem::path& path);

  std::map<std::filesystem::path, Entry> open_;
  std::vector<SeenFile> seen_;
};

/// The same for one pipeline alone.
Result<std::vector<Snapshot>> OpenSnapshots(const PipelineSpec& spec,
                                            const std::filesystem::path& folder);

/// Refuses to learn from snapshots of which rows were left out without the pipeline saying so:
/// kRefusedData names the first such series, its rows, and what to do.
Status RequireDeclaredEnds(const PipelineSpec& spec, std::span<const Snapshot> snapshots);

/// What a person is told of a series with such rows, who may read on.
[[nodiscard]] std::string LeftOutText(const std::string& series, std::string_view left_out);

}  // namespace forkcast::preprocessing
