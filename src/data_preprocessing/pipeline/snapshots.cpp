#include "data_preprocessing/pipeline/snapshots.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <system_error>
#include <thread>
#include <utility>

#include "data_preprocessing/base/folder_lock.hpp"

namespace forkcast::preprocessing {
namespace {

Error Named(const SeriesSpec& series, Error error) {
  error.message = "series \"" + series.name + "\": " + error.message;
  return error;
}

/// A lock under which nobody publishes in the folder, or none where it cannot be had. The error:
/// one holds the other lock for longer than renames take.
Result<FolderLock> LockForReading(const std::filesystem::path& folder) {
  constexpr int kTries = 500;
  constexpr std::chrono::milliseconds kPause{10};
  for (int i = 0; i < kTries; ++i) {
    FolderLock lock(folder, FolderLock::Wait::kNo, FolderLock::Kind::kShared);
    if (lock.held() || errno != EWOULDBLOCK) return lock;
    std::this_thread::sleep_for(kPause);
  }
  return Error{ErrorCode::kIo, folder.string() + ": a process publishes there and does not finish"};
}

/// Publishes all of `updates`, unless one adds to what is published no more: false then.
Result<bool> PublishTogether(std::vector<SeriesUpdate>& updates, const PipelineSpec& spec,
                             const std::filesystem::path& folder) {
  const FolderLock lock(folder);
  const auto is_current = [](const SeriesUpdate& update) { return update.IsCurrent(); };
  if (!std::ranges::all_of(updates, is_current)) return false;
  for (std::size_t i = 0; i < updates.size(); ++i) {
    Status published = updates[i].Publish();
    if (!published) return Named(spec.series[i], std::move(published).error());
  }
  return true;
}

/// Makes new bases of those of which that is due. Another publisher may be first: the next time
/// does it, too.
Status PublishBases(const std::vector<SeriesUpdate>& updates, const PipelineSpec& spec,
                    const std::vector<SeriesFiles>& files, const std::filesystem::path& folder) {
  for (std::size_t i = 0; i < updates.size(); ++i) {
    if (!updates[i].base_is_due()) continue;
    Result<std::optional<SeriesUpdate>> base = SeriesUpdate::PrepareBase(spec, files[i]);
    if (!base) return Named(spec.series[i], std::move(base).error());
    if (!*base) continue;
    const FolderLock lock(folder);
    if (!(*base)->IsCurrent()) continue;
    Status published = (*base)->Publish();
    if (!published) return Named(spec.series[i], std::move(published).error());
  }
  return {};
}

}  // namespace

std::filesystem::path SnapshotPath(const std::filesystem::path& folder, const SeriesSpec& series,
                                   const TimeZone& zone) {
  return SeriesFiles(folder, series, zone).base();
}

Result<std::vector<PublishedSeries>> PublishSnapshots(TableDao& dao, const PipelineSpec& spec,
                                                      const std::filesystem::path& folder,
                                                      Instant now, const PublishOptions& options) {
  constexpr int kTries = 5;
  std::error_code created;
  std::filesystem::create_directories(folder, created);
  if (created) return Error{ErrorCode::kIo, folder.string() + ": " + created.message()};
  std::vector<SeriesFiles> files;
  for (const SeriesSpec& series : spec.series) files.emplace_back(folder, series, spec.zone);

  for (int i = 0; i < kTries; ++i) {
    std::vector<SeriesUpdate> updates;
    for (const SeriesFiles& one : files) {
      Result<SeriesUpdate> update = SeriesUpdate::Prepare(dao, spec, one, now, options);
      if (!update) return Named(one.series(), std::move(update).error());
      updates.push_back(*std::move(update));
    }
    const Result<bool> done = PublishTogether(updates, spec, folder);
    if (!done) return done.error();
    if (!*done) continue;
    if (Status based = PublishBases(updates, spec, files, folder); !based) return based.error();
    std::vector<PublishedSeries> published;
    for (const SeriesUpdate& update : updates) published.push_back(update.report());
    return published;
  }
  return Error{ErrorCode::kIo, folder.string() + ": others publish there all the time"};
}

Status MarkUpToDate(const PipelineSpec& spec, const std::filesystem::path& folder,
                    Instant instant) {
  for (const SeriesSpec& series : spec.series) {
    if (series.is_static()) continue;
    const Status marked = MarkUpToDate(SeriesFiles(folder, series, spec.zone), instant);
    if (!marked) return Named(series, marked.error());
  }
  return {};
}

std::string LeftOutText(const std::string& series, std::string_view left_out) {
  return fmt::format("series \"{}\" leaves rows out: {}", series, left_out);
}

Status RequireDeclaredEnds(const PipelineSpec& spec, std::span<const Snapshot> snapshots) {
  for (std::size_t i = 0; i < snapshots.size(); ++i) {
    const std::string_view left_out = snapshots[i].left_out();
    if (left_out.empty()) continue;
    return Error{ErrorCode::kRefusedData, LeftOutText(spec.series[i].name, left_out),
                 spec.series[i].name};
  }
  return {};
}

Result<SnapshotFile> SnapshotPool::OpenOnce(const SeriesFiles& files,
                                            const std::filesystem::path& path,
                                            const FileIdentity& identity) {
  const auto known = open_.find(path);
  if (known != open_.end() && known->second.identity == identity) return known->second.file;
  Result<SnapshotFile> opened = OpenAnew(files)(path, identity);
  if (opened) open_.insert_or_assign(path, Entry{.identity = identity, .file = *opened});
  return opened;
}

Result<std::vector<SeriesPublication>> SnapshotPool::Map(const PipelineSpec& spec,
                                                         const std::filesystem::path& folder) {
  const Result<FolderLock> lock = LockForReading(folder);
  if (!lock) return lock.error();
  std::vector<SeriesPublication> publications;
  for (const SeriesSpec& series : spec.series) {
    const SeriesFiles files(folder, series, spec.zone);
    Result<SeriesPublication> publication = OpenPublication(
        files,
        [&](const auto& path, const auto& identity) { return OpenOnce(files, path, identity); },
        &seen_);
    if (!publication) return std::move(publication).error();
    publications.push_back(*std::move(publication));
  }
  return publications;
}

Status SnapshotPool::Verify(const std::filesystem::path& path) {
  Entry& entry = open_.at(path);
  if (entry.is_verified) return {};
  if (const Status verified = entry.file.Verify(); !verified) {
    return Error{verified.error().code, path.string() + ": " + verified.error().message};
  }
  entry.is_verified = true;
  return {};
}

Result<std::vector<Snapshot>> SnapshotPool::Open(const PipelineSpec& spec,
                                                 const std::filesystem::path& folder) {
  const Result<std::vector<SeriesPublication>> publications = Map(spec, folder);
  if (!publications) return publications.error();
  std::vector<Snapshot> snapshots;
  for (std::size_t i = 0; i < publications->size(); ++i) {
    const SeriesFiles files(folder, spec.series[i], spec.zone);
    const SeriesPublication& publication = (*publications)[i];
    Status verified = Verify(files.base());
    for (const ListedFile& run : publication.list.runs) {
      if (verified) verified = Verify(files.Path(run.file));
    }
    if (!verified) {
      return Error{verified.error().code, verified.error().message, spec.series[i].name};
    }
    snapshots.push_back(publication.AsSnapshot());
  }
  return snapshots;
}

void SnapshotPool::DropUnused() {
  std::erase_if(open_, [](const auto& one) { return !one.second.file.is_shared(); });
}

Result<std::vector<Snapshot>> OpenSnapshots(const PipelineSpec& spec,
                                            const std::filesystem::path& folder) {
  return SnapshotPool().Open(spec, folder);
}

}  // namespace forkcast::preprocessing
