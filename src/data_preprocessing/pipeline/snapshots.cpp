#include "data_preprocessing/pipeline/snapshots.hpp"

#include <fmt/format.h>
#include <xxhash.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstdio>
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

Result<Snapshot> OpenSnapshot(const std::filesystem::path& path, const SeriesSpec& series,
                              const TimeZone& zone) {
  auto snapshot = Snapshot::Open(path, DefinitionOf(series, zone.name()), series.ValueSchema());
  if (!snapshot && snapshot.error().code == ErrorCode::kNotFound) {
    return Error{ErrorCode::kNotFound,
                 path.string() + ": no snapshot of series \"" + series.name +
                     "\" as this pipeline declares it; run forkcast ingest",
                 series.name};
  }
  return snapshot;
}

}  // namespace

std::filesystem::path SnapshotPath(const std::filesystem::path& folder, const SeriesSpec& series,
                                   const TimeZone& zone) {
  const std::string definition = DefinitionOf(series, zone.name());
  std::array<char, 17> hash{};
  std::snprintf(hash.data(), hash.size(), "%016llx",
                static_cast<unsigned long long>(XXH3_64bits(definition.data(), definition.size())));
  return folder / (series.name + "." + std::string(hash.data(), 8) + ".snapshot");
}

Result<std::vector<PublishedSeries>> PublishSnapshots(TableDao& dao, const PipelineSpec& spec,
                                                      const std::filesystem::path& folder,
                                                      Instant now) {
  constexpr std::size_t kBatchRows = 10'000;
  std::error_code created;
  std::filesystem::create_directories(folder, created);
  if (created) return Error{ErrorCode::kIo, folder.string() + ": " + created.message()};

  std::vector<WrittenSnapshot> written;
  for (const SeriesSpec& series : spec.series) {
    SnapshotBuilder builder(series, spec.zone, now);
    Status read = dao.Read(series.source, series.ReadSchema(), spec.ForbiddenColumns(), kBatchRows,
                           [&builder](const Table& batch) { return builder.Add(batch); });
    if (!read) return Named(series, std::move(read).error());
    auto snapshot = builder.Write(SnapshotPath(folder, series, spec.zone));
    if (!snapshot) return Named(series, std::move(snapshot).error());
    written.push_back(std::move(*snapshot));
  }

  std::vector<PublishedSeries> published;
  const FolderLock lock(folder);
  for (std::size_t i = 0; i < written.size(); ++i) {
    const SeriesSpec& series = spec.series[i];
    Status renamed = written[i].Publish();
    if (!renamed) return Named(series, std::move(renamed).error());
    published.push_back({.series = series.name, .report = written[i].report()});
  }
  return published;
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

Status SnapshotPool::Map(const PipelineSpec& spec, const std::filesystem::path& folder) {
  const Result<FolderLock> lock = LockForReading(folder);
  if (!lock) return lock.error();
  for (const SeriesSpec& series : spec.series) {
    const std::filesystem::path path = SnapshotPath(folder, series, spec.zone);
    const FileIdentity identity = FileIdentity::At(path);
    seen_.push_back({.path = path, .identity = identity});
    const auto known = open_.find(path);
    if (known != open_.end() && known->second.identity == identity) continue;
    Result<Snapshot> opened = OpenSnapshot(path, series, spec.zone);
    if (!opened) return std::move(opened).error();
    open_.insert_or_assign(path, Entry{.identity = identity, .snapshot = *std::move(opened)});
  }
  return {};
}

Result<std::vector<Snapshot>> SnapshotPool::Open(const PipelineSpec& spec,
                                                 const std::filesystem::path& folder) {
  if (Status mapped = Map(spec, folder); !mapped) return std::move(mapped).error();
  std::vector<Snapshot> snapshots;
  for (const SeriesSpec& series : spec.series) {
    const std::filesystem::path path = SnapshotPath(folder, series, spec.zone);
    Entry& entry = open_.at(path);
    if (!entry.is_verified) {
      if (const Status verified = entry.snapshot.Verify(); !verified) {
        return Error{verified.error().code, path.string() + ": " + verified.error().message,
                     series.name};
      }
      entry.is_verified = true;
    }
    snapshots.push_back(entry.snapshot);
  }
  return snapshots;
}

Result<std::vector<Snapshot>> OpenSnapshots(const PipelineSpec& spec,
                                            const std::filesystem::path& folder) {
  return SnapshotPool().Open(spec, folder);
}

}  // namespace forkcast::preprocessing
