#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "data_preprocessing/base/file_identity.hpp"
#include "data_preprocessing/base/result.hpp"

namespace forkcast::preprocessing {

/// A file beside the base, as the list names it.
struct ListedFile {
  std::string file;  ///< Its name, in the folder of the list.
  std::uint64_t checksum = 0;
  std::string written{};  ///< StampOf() it.

  friend bool operator==(const ListedFile&, const ListedFile&) = default;
};

/// How far the rows of the series' table are in its files: a RowCursor of the store.
struct ReadTo {
  std::int64_t row = 0;
  std::string mark;

  friend bool operator==(const ReadTo&, const ReadTo&) = default;
};

/// What is published of a series beside its base (FORMAT.md): `SERIES.HASH.runs`. It counts as long
/// as the base is the one that it names: whoever publishes a base puts that in place first.
struct RunList {
  std::uint64_t base = 0;  ///< Checksum of the base.
  std::string base_written{};
  std::vector<ListedFile> runs{};
  /// What the rows so far amount to, of a series with `aggregate` (grid_cells.hpp).
  std::optional<ListedFile> cells{};
  std::uint64_t keys = 0;           ///< Of all files, each key once.
  std::optional<ReadTo> read_to{};  ///< Unset: whoever publishes next reads everything.

  friend bool operator==(const RunList&, const RunList&) = default;
};

/// What tells whether a file was written to since it was published: who adds to it need not read
/// it all to know that.
[[nodiscard]] std::string StampOf(const FileIdentity& file);

[[nodiscard]] std::string ToText(const RunList& list);
/// kCorrupt, naming the member, for what ToText() has not written. Safe for any text.
[[nodiscard]] Result<RunList> ParseRunList(std::string_view text);

/// When runs are merged. Each row is written again a bounded number of times: by merges of runs
/// about as often as the number of runs can be doubled, by those into the base about `base_share`
/// times.
struct MergePolicy {
  std::size_t max_runs = 8;      ///< At most Snapshot::kMaxRuns, at least 1.
  std::uint64_t base_share = 4;  ///< Runs may have this fraction of the base's rows: 1 of 4.
  /// A base with fewer rows is written anew in place of a run: that costs next to nothing.
  std::uint64_t small_base = 50'000;
};

/// What becomes of new rows.
struct MergePlan {
  bool into_base = false;       ///< A new base of everything; otherwise
  std::size_t with_newest = 0;  ///< a run of them and of so many runs before.
  bool base_is_due = false;     ///< Afterwards all runs belong into a new base.

  friend bool operator==(const MergePlan&, const MergePlan&) = default;
};

/// `runs`: rows of each, the oldest first. A run is taken along while it has at most as many rows
/// as what is merged already, so that sizes double from run to run and their number grows with the
/// logarithm of what came; and where there would be too many.
[[nodiscard]] MergePlan PlanMerge(std::uint64_t base_rows, std::span<const std::uint64_t> runs,
                                  std::uint64_t new_rows, const MergePolicy& policy);

}  // namespace forkcast::preprocessing
