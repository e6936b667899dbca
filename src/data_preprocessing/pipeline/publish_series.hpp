#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>

#include "data_preprocessing/base/result.hpp"
#include "data_preprocessing/dao/table_dao.hpp"
#include "data_preprocessing/pipeline/pipeline_spec.hpp"
#include "data_preprocessing/pipeline/series_files.hpp"
#include "data_preprocessing/series/grid_cells_file.hpp"
#include "data_preprocessing/series/run_list.hpp"
#include "data_preprocessing/series/snapshot_builder.hpp"

namespace forkcast::preprocessing {

/// What is read of the store.
enum class Publishing {
  kNewRows,  ///< What came since, where the store can tell; otherwise everything.
  kWhole,    ///< Everything, whatever is published: `--full`.
};

struct PublishOptions {
  Publishing what = Publishing::kNewRows;
  MergePolicy policy{};
};

/// What was published for one series.
struct PublishedSeries {
  std::string series;
  SnapshotReport report;  ///< Of all its files.
  bool is_whole = true;   ///< All rows were read back from the store; otherwise `new_rows` of them.
  /// Why so, though a snapshot was there and nobody asked for it; empty: otherwise.
  std::string why_whole{};
  std::size_t new_rows = 0;
  std::size_t runs = 0;  ///< On top of the base.
};

/// One series that is to be published: read, written beside its place, and not yet to be seen.
class SeriesUpdate {
 public:
  /// Reads what is published and what the store has besides, and writes the files of it. Errors as
  /// TableDao::Read and SnapshotBuilder::Write. `files` and `spec` outlive the object.
  static Result<SeriesUpdate> Prepare(TableDao& dao, const PipelineSpec& spec,
                                      const SeriesFiles& files, Instant now,
                                      const PublishOptions& options);
  /// The same for a base of all that is published, without the store; none: there are no runs, or
  /// somebody publishes meanwhile.
  static Result<std::optional<SeriesUpdate>> PrepareBase(const PipelineSpec& spec,
                                                         const SeriesFiles& files);

  /// Whether what it adds to is still what is published. Under the folder's lock, as the next.
  [[nodiscard]] bool IsCurrent() const;
  /// kIo; what is seen then is what was published before, or all of this.
  Status Publish();

  [[nodiscard]] const PublishedSeries& report() const noexcept { return report_; }
  [[nodiscard]] bool base_is_due() const noexcept { return base_is_due_; }

 private:
  friend class SeriesReadout;

  explicit SeriesUpdate(const SeriesFiles& files) : files_(&files) {}

  const SeriesFiles* files_;
  PublishedSeries report_;
  // What it adds to; unset: it takes the place of whatever is there.
  std::optional<FileIdentity> base_seen_;
  std::optional<FileIdentity> list_seen_;
  // What is new, if anything is.
  std::optional<WrittenSnapshot> base_;
  std::optional<WrittenSnapshot> run_;
  std::unique_ptr<AtomicFile> cells_;
  RunList list_;
  bool base_is_due_ = false;
};

}  // namespace forkcast::preprocessing
