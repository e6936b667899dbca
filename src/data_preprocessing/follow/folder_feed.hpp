#pragma once

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "data_preprocessing/follow/feed.hpp"
#include "data_preprocessing/follow/followed_files.hpp"
#include "data_preprocessing/source/ingest.hpp"
#include "data_preprocessing/source/rejects.hpp"
#include "data_preprocessing/source/row_source.hpp"
#include "data_preprocessing/table/time_zone.hpp"

namespace forkcast::preprocessing {

/// What is followed, and by which rules. The tables and the zone outlive the feed.
struct FolderFeedOptions {
  std::filesystem::path folder;
  std::vector<const TableSpec*> tables;  ///< Whose files are taken.
  std::span<const TableSpec> all;        ///< Whose files they might be as well.
  const TimeZone& zone;
  IngestRules rules;
  std::filesystem::path rejects;  ///< A log that grows; empty: a wrong row is the end of its file.
  RejectLimit max_rejects;
  /// What stands between a file and the store, such as rules; may be empty.
  std::function<std::unique_ptr<RowSource>(const TableSpec&, std::unique_ptr<RowSource>)> check;
  std::chrono::milliseconds every{1000};
};

/// The files of a folder, each taken in when it is new or has changed, and nobody writes to it any
/// more (FollowedFiles). Each is a transaction of its own, so that a bad one keeps no other out; it
/// is tried again when it has changed. A bookmark in the store says which were taken, so that
/// another process does not read them again.
class FolderFeed final : public Feed {
 public:
  explicit FolderFeed(FolderFeedOptions options);

  Result<FeedTurn> Take(TableDao& dao, MonotonicTime now) override;

 private:
  struct Found {
    const TableSpec* table = nullptr;
    SeenFile file;
  };

  [[nodiscard]] std::vector<Found> List();
  Status TakeFile(TableDao& dao, const Found& found, FeedTurn& turn);
  /// Reads it within the transaction. An error of the file, not of the store, ends up in `problem`.
  Status Ingest(TableDao& dao, const Found& found, std::string& problem, IngestReport& report);
  void TellProblems(FeedTurn& turn) const;

  FolderFeedOptions options_;
  FollowedFiles files_;
  /// By file, or by table whose files cannot be told apart: what is wrong, until it changes.
  std::map<std::string, std::string> problems_;
};

}  // namespace forkcast::preprocessing
